/** A command failed; the message says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError'
}
