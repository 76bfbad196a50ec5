/** A Redis that belongs to this process. Disposing it is `stop()`. */
export interface RedisServer extends AsyncDisposable {
  /** Includes the password, if there is one. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves once the process has exited for any reason; its port and data directory can then be used again. */
  readonly exited: Promise<RedisServerExit>
  /** Stops the server after it has saved its data. Idempotent. */
  stop(): Promise<void>
  /** Sends a signal and returns at once; see `exited`. */
  kill(signal: NodeJS.Signals): void
}

/** How the server's process exited. */
export interface RedisServerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}
