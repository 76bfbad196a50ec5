/** A Redis that belongs to this process. Disposing it is `stop()`. */
export interface RedisServer extends AsyncDisposable {
  /** With the password, if it has one. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves once the process is gone, whatever the cause; from then on its port and data directory can be used again. */
  readonly exited: Promise<RedisServerExit>
  /** Ends the server after it has written what it holds. Idempotent. */
  stop(): Promise<void>
  /** Sends a signal and returns at once; see `exited`. */
  kill(signal: NodeJS.Signals): void
}

/** How the server's process ended. */
export interface RedisServerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}
