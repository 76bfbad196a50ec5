import { readFileSync, watchFile } from 'node:fs'

// Loaded into a process before its own code: shifts the wall clock by the milliseconds in the file that its URL names.
// Monotonic time goes on, as it does when a clock is set.
const file = new URL(import.meta.url).searchParams.get('file')
if (file === null) throw new Error('the URL has to name the file with the offset')

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
