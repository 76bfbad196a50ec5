/**
 * Exits the process as soon as it has nothing left to do, with its exit code. Node normally does this by itself, but after
 * broken connections its own cleanup can loop forever at full CPU load (seen with Node 24 under `npm run chaos`).
 */
export function exitWhenIdle(): void {
  process.once('beforeExit', () => process.exit())
}
