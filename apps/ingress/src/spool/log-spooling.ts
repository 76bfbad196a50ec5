import type { Logger } from '@warmhook/telemetry/logger'

/** Logs when spooling starts and when the spool is empty again: one line each, regardless of the number of webhooks. */
export interface SpoolingLog {
  /** An earlier process left `waiting` jobs in the spool. */
  found(waiting: number): void
  begin(reason: string): void
  end(): void
}

/** Initially assumes that the spool is empty. */
export function logSpooling(log: Logger): SpoolingLog {
  let isEmpty = true
  let isSpooling = false
  return {
    found(waiting) {
      if (waiting === 0) return
      isEmpty = false
      log.warn({ jobs: waiting }, 'the spool holds webhooks of an earlier run; they go to Redis once it is reachable')
    },
    begin(reason) {
      if (!isSpooling) log.warn({ reason }, 'webhooks go to the spool')
      isSpooling = true
      isEmpty = false
    },
    end() {
      if (!isEmpty) log.warn(isSpooling ? 'webhooks go to Redis again; the spool is empty' : 'the spool is empty')
      isSpooling = false
      isEmpty = true
    },
  }
}
