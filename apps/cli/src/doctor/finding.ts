import type { Database } from '@warmhook/store/database'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'

/** What a check has found, in a sentence; what is not well comes with what to do. */
export type Finding =
  | { readonly level: 'ok'; readonly message: string }
  | { readonly level: 'warning' | 'problem'; readonly message: string; readonly advice: string }

export interface Patient {
  readonly redis: Redis
  /** Before the names of the queues in Redis. */
  readonly prefix: string
  readonly queues: readonly Queue[]
  readonly db: Database
  readonly spoolDir: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Check {
  readonly name: string
  readonly run: (patient: Patient) => Promise<readonly Finding[]>
}

export const ok = (message: string): Finding => ({ level: 'ok', message })
export const warning = (message: string, advice: string): Finding => ({ level: 'warning', message, advice })
export const problem = (message: string, advice: string): Finding => ({ level: 'problem', message, advice })
