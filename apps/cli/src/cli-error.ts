/** A command can't do what it was asked; the message says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError'
}
