import type { QueryResult } from 'kysely'

/** What the thread of the embedded Postgres is asked for. */
export type ThreadCommand =
  | { readonly kind: 'query'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'begin' | 'commit' | 'rollback' | 'close' }

export interface ThreadRequest {
  readonly id: number
  readonly command: ThreadCommand
}

/** Errors are sent as their fields: the copy of an error that a thread receives has no SQLSTATE. */
export type ThreadAnswer =
  | { readonly id: number; readonly result: QueryResult<unknown> | undefined }
  | { readonly id: number; readonly error: ErrorFields }

export interface ErrorFields {
  readonly name: string
  readonly message: string
  /** SQLSTATE; absent from errors that Postgres did not raise. */
  readonly code?: unknown
  readonly severity?: unknown
  readonly detail?: unknown
  readonly constraint?: unknown
}

/** The fields of an error that its readers need. */
export function toErrorFields(error: unknown): ErrorFields {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, code, severity, detail, constraint }: Error & Partial<ErrorFields> = error
  return { name, message, code, severity, detail, constraint }
}

/** An error with these fields, whose stack leads to the caller. */
export function fromErrorFields({ name, message, code, severity, detail, constraint }: ErrorFields): Error {
  const error = new Error(message)
  const known = Object.entries({ code, severity, detail, constraint }).filter(([, value]) => value !== undefined)
  return Object.assign(error, { name }, Object.fromEntries(known))
}
