import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosSite } from '../chaos-site.ts'
import type { Random } from '../random.ts'
import { drawOutage, type Fault, type FaultLengths } from './fault.ts'

/** Wall clocks that are set, and set back. */
export const clockFaults: readonly Fault[] = [
  { name: 'clock: forward, then back', inject: (site, random, lengths) => step(site, 1, random, lengths) },
  { name: 'clock: back, then forward', inject: (site, random, lengths) => step(site, -1, random, lengths) },
]

/** One machine's clock or both. A retry is due by the clock that set it: one step back delays it by as much. */
async function step({ clocks }: ChaosSite, sign: 1 | -1, random: Random, lengths: FaultLengths): Promise<void> {
  const choice = random.between(0, clocks.length)
  const stepped = choice === clocks.length ? clocks : clocks.slice(choice, choice + 1)
  const offsetMs = sign * random.between(1_000, 30_000)
  for (const clock of stepped) clock.step(offsetMs)
  await delay(drawOutage(random, lengths))
  for (const clock of stepped) clock.step(0)
}
