import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** The wall clock of some processes. */
export interface WallClock {
  /** Must be in the environment of these processes. */
  readonly env: Readonly<Record<string, string>>
  /** Sets its offset from the real clock in ms; the processes see the change a moment later. */
  step(offsetMs: number): void
}

/** `file` stores the offset. */
export function createWallClock(file: string): WallClock {
  const preload = new URL('stepped-clock.ts', import.meta.url)
  preload.searchParams.set('file', pathToFileURL(file).pathname)
  const step = (offsetMs: number): void => writeFileSync(file, String(offsetMs))
  step(0)
  return { env: { NODE_OPTIONS: `--import ${preload.href}` }, step }
}
