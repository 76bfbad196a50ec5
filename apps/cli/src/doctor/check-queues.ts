import type { Queue } from 'bullmq'
import { ok, problem, warning, type Check, type Finding } from './finding.ts'

const slowAfterMs = 60_000
const stuckAfterMs = 600_000

/** Queues: whether jobs move, and what has failed. */
export const checkQueues: Check = {
  name: 'queues',
  run: async ({ queues, now }) => (await Promise.all(queues.map((queue) => checkQueue(queue, now())))).flat(),
}

async function checkQueue(queue: Queue, now: number): Promise<readonly Finding[]> {
  const [counts, [oldest], isPaused, workers] = await Promise.all([
    queue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
    queue.getJobs(['waiting'], 0, 0, true),
    queue.isPaused(),
    queue.getWorkersCount(),
  ])
  const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts
  const ageMs = oldest === undefined ? 0 : now - oldest.timestamp
  const jobs = `${queue.name}: ${waiting} jobs wait, ${active} are worked on, ${delayed} will be tried again`
  const findings: Finding[] = [judgeAge(jobs, ageMs, { isPaused, workers, hasWork: waiting + active + delayed > 0 })]
  if (failed > 0)
    findings.push(
      warning(
        `${queue.name}: ${failed} jobs hold dead letters`,
        'Look at their reasons on the board, mend the cause, and replay them (POST /api/replays).',
      ),
    )
  return findings
}

function judgeAge(
  jobs: string,
  ageMs: number,
  { isPaused, workers, hasWork }: { readonly isPaused: boolean; readonly workers: number; readonly hasWork: boolean },
): Finding {
  if (isPaused) return warning(`${jobs}; the queue is paused`, 'Resume it on the board when it may go on.')
  if (workers === 0 && hasWork)
    return problem(`${jobs}; no worker takes them`, 'Start a worker, or add the queue to its WORKER_QUEUES.')
  const oldest = `${jobs}; the oldest waits for ${Math.round(ageMs / 1_000)} s`
  if (ageMs < slowAfterMs) return ok(ageMs === 0 ? jobs : oldest)
  const advice = 'Start more workers; if the jobs do not get fewer then, look at the log of the workers.'
  return ageMs < stuckAfterMs ? warning(oldest, advice) : problem(oldest, advice)
}
