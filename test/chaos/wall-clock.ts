import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** The wall clock that some processes go by. */
export interface WallClock {
  /** To be in their environment. */
  readonly env: Readonly<Record<string, string>>
  /** Sets it to that many ms after the real one; the processes see it a moment later. */
  step(offsetMs: number): void
}

/** `file` is where the offset is kept. */
export function createWallClock(file: string): WallClock {
  const preload = new URL('stepped-clock.ts', import.meta.url)
  preload.searchParams.set('file', pathToFileURL(file).pathname)
  const step = (offsetMs: number): void => writeFileSync(file, String(offsetMs))
  step(0)
  return { env: { NODE_OPTIONS: `--import ${preload.href}` }, step }
}
