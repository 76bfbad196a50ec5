import { envelopesInName } from '@warmhook/schema/batch'
import type { Queue } from 'bullmq'

const states = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const
const pageSize = 200

/**
 * The size of each batch in the intake queue, by job id, without those that are routed again. Read off the jobs' names:
 * a backlog of a million events is half a gigabyte of jobs, but half a megabyte of names.
 */
export async function readIntakeBatches(intake: Queue): Promise<ReadonlyMap<string, number>> {
  const batches = new Map<string, number>()
  for (const state of states) {
    for (let start = 0; ; start += pageSize) {
      // The latest first: workers take the oldest, which then moves nothing past the page to come.
      const ids = await intake.getRanges([state], start, start + pageSize - 1, false)
      const names = await readNames(intake, ids)
      for (const [index, id] of ids.entries()) {
        const envelopes = envelopesInName(names[index] ?? '')
        if (envelopes > 0) batches.set(id, envelopes)
      }
      if (ids.length === 0) break
    }
  }
  return batches
}

/** In one round trip; a job that is gone by now has no name. */
async function readNames(queue: Queue, ids: readonly string[]): Promise<readonly (string | undefined)[]> {
  const client = await queue.backend.client
  return Promise.all(ids.map(async (id) => (await client.hget(queue.toKey(id), 'name')) ?? undefined))
}
