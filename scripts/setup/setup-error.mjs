/** The setup needs an action by the user; the message says what to do. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError'
}
