/** A handler's result for one event. It throws only unexpected errors; every event of the batch is then retried. */
export type Outcome =
  | { readonly status: 'done'; readonly note?: string }
  /** Retry: at `notBefore` (ms since the epoch) if the peer named a time, otherwise by the handler's policy. */
  | { readonly status: 'retry'; readonly reason: string; readonly notBefore?: number }
  /**
   * The peer's account has a problem or the peer asks to wait: no attempt is counted, however long it lasts. Retried at
   * `notBefore`, otherwise after about a minute.
   */
  | { readonly status: 'hold'; readonly reason: string; readonly notBefore?: number }
  /** Retrying cannot help: the event becomes a dead letter, which a person can replay once the cause is fixed. */
  | { readonly status: 'discard'; readonly reason: string }

export function done(note?: string): Outcome {
  return note === undefined ? { status: 'done' } : { status: 'done', note }
}

export function retry(reason: string, notBefore?: number): Outcome {
  return notBefore === undefined ? { status: 'retry', reason } : { status: 'retry', reason, notBefore }
}

export function hold(reason: string, notBefore?: number): Outcome {
  return notBefore === undefined ? { status: 'hold', reason } : { status: 'hold', reason, notBefore }
}

export function discard(reason: string): Outcome {
  return { status: 'discard', reason }
}
