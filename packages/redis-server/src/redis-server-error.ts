/** Why a private Redis could not be started. */
export type RedisServerErrorCode =
  | 'binary-missing'
  | 'data-dir-locked'
  | 'did-not-start'
  | 'keeps-ending'
  | 'port-in-use'

/** The error type of this package; `code` says what happened, the message what to do about it. */
export class RedisServerError extends Error {
  override readonly name = 'RedisServerError'
  readonly code: RedisServerErrorCode

  constructor(code: RedisServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
