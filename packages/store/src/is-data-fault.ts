/**
 * Whether Postgres refused the data itself, so that the same statement would fail again: SQLSTATE classes 22 (data
 * exception), 23 (integrity constraint) and 54 (program limit), by Postgres's manual, appendix A.
 */
export function isDataFault(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(22|23|54)\w{3}$/.test(String(error.code))
}
