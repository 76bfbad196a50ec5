import type { Logger } from '@warmhook/telemetry/logger'

/** Logs when webhooks begin to go to the spool, and when it is empty again: one line each, however many webhooks there are. */
export interface SpoolingLog {
  /** `waiting` jobs were left in the spool by an earlier process. */
  found(waiting: number): void
  begin(reason: string): void
  end(): void
}

/** Nothing is in the spool as far as it knows. */
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
