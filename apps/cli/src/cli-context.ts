/** Input and output of the commands; tests pass their own. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv
  readonly print: (line: string) => void
  /** Whether a person reads the output on a terminal, and can answer. */
  readonly isInteractive: boolean
  /** Makes the process exit with 1. */
  readonly fail: () => void
  readonly readInput: () => Promise<Buffer<ArrayBuffer>>
}
