import { z } from 'zod'

/** Under the intake queue's prefix: a Redis hash with the latest report of every ingress process and of every spool. */
export const REPORTS_KEY = 'ingress-reports'
/** Under the same prefix: a sorted set whose one score is the latest `receivedAt` of any envelope. */
export const LATEST_KEY = 'latest-received-at'

const number = z.int().nonnegative()
const ranges = z.array(z.tuple([number, number]))

/** The envelopes that an ingress process has acknowledged. */
const EpochReport = z.object({
  kind: z.literal('epoch'),
  name: z.string(),
  /** Increases with every report of the same name. */
  version: number,
  /** Milliseconds since the epoch. */
  startedAt: number,
  reportedAt: number,
  /** Every number up to this one was acknowledged, or is in `void`. */
  settled: number,
  /** First and last numbers of refused envelopes. It is not an error if one of them is found. */
  void: ranges,
})
export type EpochReport = Readonly<z.infer<typeof EpochReport>>

/** The envelopes on one ingress's disk. It outlives the process: the next one with its directory reports it again. */
const SpoolReport = z.object({
  kind: z.literal('spool'),
  name: z.string(),
  version: number,
  reportedAt: number,
  /** By epoch. */
  ranges: z.record(z.string(), ranges),
})
export type SpoolReport = Readonly<z.infer<typeof SpoolReport>>

export const IngressReport = z.discriminatedUnion('kind', [EpochReport, SpoolReport])
export type IngressReport = EpochReport | SpoolReport
