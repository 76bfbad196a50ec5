/**
 * Whether Postgres rejected the data itself, so that the same statement would fail again: SQLSTATE classes 22 (data
 * exception), 23 (integrity constraint) and 54 (program limit); see the Postgres manual, appendix A.
 */
export function isDataFault(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(22|23|54)\w{3}$/.test(String(error.code))
}
