/** Something that the person has to do; the message says what. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError'
}
