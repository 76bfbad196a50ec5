import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosSite } from '../chaos-site.ts'
import type { Random } from '../random.ts'
import { drawOutage, type Fault, type FaultLengths } from './fault.ts'

/** Wall clock steps, forward and back. */
export const clockFaults: readonly Fault[] = [
  { name: 'clock: forward, then back', inject: (site, random, lengths) => step(site, 1, random, lengths) },
  { name: 'clock: back, then forward', inject: (site, random, lengths) => step(site, -1, random, lengths) },
]

/**
 * Steps one clock or both. A retry is due by the clock that scheduled it: stepping back delays it by the same amount.
 */
async function step({ clocks }: ChaosSite, sign: 1 | -1, random: Random, lengths: FaultLengths): Promise<void> {
  const choice = random.between(0, clocks.length)
  const stepped = choice === clocks.length ? clocks : clocks.slice(choice, choice + 1)
  const offsetMs = sign * random.between(1_000, 30_000)
  for (const clock of stepped) clock.step(offsetMs)
  await delay(drawOutage(random, lengths))
  for (const clock of stepped) clock.step(0)
}
