import { readFileSync, watchFile } from 'node:fs'

// Preloaded into a process: shifts the wall clock by the number of milliseconds in the file named by this module's URL.
// Monotonic time is unaffected, as when a real clock is set.
const file = new URL(import.meta.url).searchParams.get('file')
if (file === null) throw new Error('the URL must name the offset file: ?file=<path>')

const RealDate = Date
let offsetMs = 0
const read = (): void => {
  offsetMs = Number(readFileSync(file, 'utf8'))
}
read()
watchFile(file, { interval: 100, persistent: false }, read)

const now = (): number => RealDate.now() + offsetMs
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
  get: (target, name): unknown => (name === 'now' ? now : Reflect.get(target, name)),
})
