import type { Database } from '@warmhook/store/database'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'

/** What a check has found, in a sentence; warnings and problems come with advice. */
export type Finding =
  | { readonly level: 'ok'; readonly message: string }
  | { readonly level: 'warning' | 'problem'; readonly message: string; readonly advice: string }

/** What a check has access to. */
export interface CheckContext {
  readonly redis: Redis
  /** Prefix of the queues' keys in Redis. */
  readonly prefix: string
  readonly queues: readonly Queue[]
  readonly db: Database
  readonly spoolDir: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Check {
  readonly name: string
  readonly run: (checkContext: CheckContext) => Promise<readonly Finding[]>
}

export const ok = (message: string): Finding => ({ level: 'ok', message })
export const warning = (message: string, advice: string): Finding => ({ level: 'warning', message, advice })
export const problem = (message: string, advice: string): Finding => ({ level: 'problem', message, advice })
