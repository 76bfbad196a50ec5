import { expect, it } from 'vitest'
import { runSimulation } from './simulation/run-simulation.ts'

const seed = 20_261_127
const everyMinutes = 15

it(
  `reconciliation makes the record of pauses right, however unreliable webhooks are (seed ${seed})`,
  { timeout: 120_000 },
  async () => {
    const way = { lost: 5, doubled: 10, reordered: 20 }
    const options = { seed, mailboxes: 150, minutes: 24 * 60, stepMinutes: 5, way }
    const alone = await runSimulation({ ...options, everyMinutes: undefined })
    const reconciled = await runSimulation({ ...options, everyMinutes })
    expect(reconciled.wrongAtEnd).toBe(0)
    expect(alone.wrongAtEnd).toBeGreaterThan(0)
    expect(reconciled.wrongMinutes).toBeLessThan(alone.wrongMinutes / 5)
    // A change that is not heard of is wrong until the next reading; one that is heard of late once more when it arrives.
    // A lost deletion takes two readings.
    const { lost, late } = reconciled.way
    expect(reconciled.wrongMinutes).toBeLessThanOrEqual(everyMinutes * (2 * lost + reconciled.silent + 2 * late))
    expect(reconciled.repairs).toBeGreaterThan(0)
  },
)
