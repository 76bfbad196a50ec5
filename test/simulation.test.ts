import { expect, it } from 'vitest'
import { usualRates } from './simulation/model.ts'
import { runSimulation } from './simulation/run-simulation.ts'

const seed = 20_261_127
const everyMinutes = 15
// Often enough that some of the webhooks of a creation, a deletion and an outage are lost within a day.
const rates = { ...usualRates, deletion: 4, outage: 7 }

it(
  `reconciliation makes the record of pauses right, however unreliable webhooks are (seed ${seed})`,
  { timeout: 120_000 },
  async () => {
    const way = { lost: 5, doubled: 10, reordered: 20 }
    const options = { seed, mailboxes: 150, minutes: 24 * 60, stepMinutes: 1, way, rates }
    const alone = await runSimulation({ ...options, everyMinutes: undefined })
    const reconciled = await runSimulation({ ...options, everyMinutes })
    expect(reconciled.wrongAtEnd).toBe(0)
    expect(alone.wrongAtEnd).toBeGreaterThan(0)
    expect(reconciled.wrongMinutes).toBeLessThan(alone.wrongMinutes / 5)
    expect(reconciled.unexplained).toBe(0)
    // What can make the record wrong is corrected by the next reading, or the second one: see PossibleErrors. So each cause
    // is worth at most an interval for each of its readings. Both runs have the same causes.
    const boundMinutes = everyMinutes * reconciled.readingsNeeded
    expect(alone.readingsNeeded).toBe(reconciled.readingsNeeded)
    expect(reconciled.wrongMinutes).toBeLessThanOrEqual(boundMinutes)
    expect(alone.wrongMinutes).toBeGreaterThan(boundMinutes)
    expect(reconciled.runsNotDone).toBe(0)
    expect(reconciled.repairs).toBeGreaterThan(0)
  },
)
