/** What commands read and write; a test gives its own. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv
  readonly print: (line: string) => void
  /** Makes the process end with 1. */
  readonly fail: () => void
  readonly readInput: () => Promise<Buffer<ArrayBuffer>>
}
