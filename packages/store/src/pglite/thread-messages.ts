import type { QueryResult } from 'kysely'

/** A command for the thread of the embedded Postgres. */
export type ThreadCommand =
  | { readonly kind: 'query'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'begin' | 'commit' | 'rollback' | 'close' }

export interface ThreadRequest {
  readonly id: number
  readonly command: ThreadCommand
}

/** Errors are sent as fields, because an `Error` loses its SQLSTATE when it is cloned to another thread. */
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

/** Extracts the fields of an error that callers need. */
export function toErrorFields(error: unknown): ErrorFields {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, code, severity, detail, constraint }: Error & Partial<ErrorFields> = error
  return { name, message, code, severity, detail, constraint }
}

/** Creates an error with these fields; its stack is that of the receiving thread. */
export function fromErrorFields({ name, message, code, severity, detail, constraint }: ErrorFields): Error {
  const error = new Error(message)
  const known = Object.entries({ code, severity, detail, constraint }).filter(([, value]) => value !== undefined)
  return Object.assign(error, { name }, Object.fromEntries(known))
}
