/**
 * Ends the process as soon as it has nothing left to do, with its exit code. Node does so by itself, but not always: after
 * connections that broke off it can turn for ever in its own clean-up, at full load (seen with Node 24 under `npm run chaos`).
 */
export function exitWhenIdle(): void {
  process.once('beforeExit', () => process.exit())
}
