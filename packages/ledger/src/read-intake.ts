import { envelopesInName } from '@warmhook/schema/batch'
import { isUnnumberedJobId, parseIntakeJobId, type IntakeRange } from '@warmhook/schema/intake-range'
import type { Queue } from 'bullmq'

/** The contents of the intake queue. */
export interface IntakeContents {
  readonly ranges: readonly IntakeRange[]
  /** The sizes of jobs from a version that did not number envelopes, by job id. */
  readonly unnumbered: ReadonlyMap<string, number>
}

const states = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const

/**
 * Reads the ids of all jobs in the intake queue except replays. One script reads all states, so a job that changes
 * state is always in one of them. 100,000 jobs keep Redis busy for 140 ms (measured on a machine under load).
 */
export async function readIntake(intake: Queue): Promise<IntakeContents> {
  const ranges: IntakeRange[] = []
  const others: string[] = []
  for (const id of await intake.getRanges([...states], 0, -1)) {
    const range = parseIntakeJobId(id)
    if (range !== undefined) ranges.push(range)
    else if (isUnnumberedJobId(id)) others.push(id)
  }
  return { ranges, unnumbered: await readSizes(intake, others) }
}

/** Reads sizes from the job names, in one round trip; a job that no longer exists has none. */
async function readSizes(intake: Queue, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const client = await intake.backend.client
  const sizes = await Promise.all(
    ids.map(async (id) => [id, envelopesInName((await client.hget(intake.toKey(id), 'name')) ?? '')] as const),
  )
  return new Map(sizes.filter(([, envelopes]) => envelopes > 0))
}
