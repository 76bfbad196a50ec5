import type { Database } from '@warmhook/store/database'
import { readOutboxJobs } from '@warmhook/store/outbox/read-outbox-jobs'
import {
  findQueuedJobs,
  findWaitingHandlers,
  findWaitingJobs,
  markQueued,
  settleJobs,
  type OutboxKey,
} from '@warmhook/store/outbox/sweep-outbox'
import type { Redis } from 'ioredis'
import type { HandlerQueues } from './handler-queues.ts'
import type { RoomWatch } from './watch-room.ts'

export interface SweepDeps {
  readonly db: Database
  readonly connection: Redis
  readonly queues: HandlerQueues
  readonly room: Pick<RoomWatch, 'roomFor'>
  /** Milliseconds on a monotonic clock. */
  readonly clock: () => number
}

export interface Sweeper {
  /** Adds jobs that waited for room to their queues, oldest first. Returns how many. */
  feed(): Promise<number>
  /** Checks some of the jobs that should be in Redis, and recreates those that are lost. Returns how many. */
  check(): Promise<number>
}

/** Jobs per handler in one pass. */
const feedBatch = 200
/** Jobs checked per query, and per pass. */
const checkBatch = 1_000
const maxChecked = 10_000
/** Gives the router time to add the jobs that it has committed. */
const olderThanMs = 10_000
/**
 * A job that Redis has lost may still be in progress: a handler call takes 25 s at most, and then its outcome is
 * recorded. A lost job is therefore only recreated after that.
 */
export const lostAfterMs = 30_000

/** Keeps Redis's queues in sync with the outbox. A failed pass is safe to repeat. */
export function createSweeper({ db, connection, queues, room, clock }: SweepDeps): Sweeper {
  let after = ''
  let round = 0
  /** When a job was first found missing, and in which round over the outbox it was last found missing. */
  const missing = new Map<string, { readonly since: number; readonly round: number }>()

  /** Restarts at the oldest job. Drops missing jobs that the last round did not find: they have been settled. */
  function startRound(): void {
    after = ''
    for (const [id, found] of missing) if (found.round !== round) missing.delete(id)
    round += 1
  }

  async function enqueue(ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0
    const jobs = await readOutboxJobs(db, ids)
    await Promise.all(jobs.map((job) => queues.add(job)))
    await markQueued(
      db,
      jobs.map(({ id }) => id),
      true,
    )
    const owing = new Set(jobs.map(({ id }) => id))
    await settleJobs(
      db,
      ids.filter((id) => !owing.has(id)),
    )
    return jobs.length
  }

  async function isLost({ id, handler }: OutboxKey): Promise<boolean> {
    const [addedAt, finishedOn] = await connection.hmget(queues.of(handler).queue.toKey(id), 'timestamp', 'finishedOn')
    // A finished job has recorded its outcomes, unless it could not be read.
    return addedAt === null || finishedOn !== null
  }

  /** Checks the next jobs in the round. */
  async function checkNext(): Promise<number> {
    const rows = await findQueuedJobs(db, { after, limit: checkBatch, olderThanMs })
    const lost = await Promise.all(rows.map(isLost))
    const now = clock()
    const due = rows.filter(({ id }, index) => {
      if (lost[index] !== true) missing.delete(id)
      else missing.set(id, { since: missing.get(id)?.since ?? now, round })
      return now - (missing.get(id)?.since ?? now) >= lostAfterMs
    })
    after = rows.at(-1)?.id ?? ''
    if (rows.length < checkBatch) startRound()
    // A finished job would block a new job with the same id.
    for (const { id, handler } of due) await queues.of(handler).queue.remove(id)
    const recreated = await enqueue(due.map(({ id }) => id))
    for (const { id } of due) missing.delete(id)
    return recreated
  }

  return {
    async feed() {
      let fed = 0
      for (const handler of await findWaitingHandlers(db)) {
        const limit = Math.min(room.roomFor(handler), feedBatch)
        if (limit > 0) fed += await enqueue(await findWaitingJobs(db, handler, limit))
      }
      return fed
    },
    async check() {
      let recreated = 0
      for (let looked = 0; looked < maxChecked; looked += checkBatch) {
        recreated += await checkNext()
        if (after === '') break
      }
      return recreated
    },
  }
}
