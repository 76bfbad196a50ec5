/** What a handler says of one event. It throws only for what it did not expect: then every event of the batch is tried again. */
export type Outcome =
  | { readonly status: 'done'; readonly note?: string }
  /** Try again: exactly at `notBefore` (ms since the epoch) where the peer said when, else by the handler's policy. */
  | { readonly status: 'retry'; readonly reason: string; readonly notBefore?: number }
  /**
   * The peer's account is at fault or asks to wait: no attempt is counted, however long it lasts. Tried again at
   * `notBefore`, else after about a minute.
   */
  | { readonly status: 'hold'; readonly reason: string; readonly notBefore?: number }
  /** No attempt can help: the event becomes a dead letter, to be replayed by a person once the cause is fixed. */
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
