import { expect, it } from 'vitest'
import { runSimulation } from './simulation/run-simulation.ts'

const seed = 20_261_127
const everyMinutes = 15

it(
  `reconciliation makes the record of pauses right, however unreliable webhooks are (seed ${seed})`,
  { timeout: 120_000 },
  async () => {
    const way = { lost: 5, doubled: 10, reordered: 20 }
    const options = { seed, mailboxes: 150, minutes: 24 * 60, stepMinutes: 1, way }
    const alone = await runSimulation({ ...options, everyMinutes: undefined })
    const reconciled = await runSimulation({ ...options, everyMinutes })
    expect(reconciled.wrongAtEnd).toBe(0)
    expect(alone.wrongAtEnd).toBeGreaterThan(0)
    expect(reconciled.wrongMinutes).toBeLessThan(alone.wrongMinutes / 5)
    // The record can only become wrong by a change that no webhook reports at once, and by a late webhook that describes
    // the past. Either is corrected by the next reading, at most an interval later; a mailbox that no longer exists by the
    // second one. Both runs have the same webhooks and changes, so the bound is the same for both.
    const boundMinutes = everyMinutes * reconciled.readingsNeeded
    expect(alone.readingsNeeded).toBe(reconciled.readingsNeeded)
    expect(reconciled.wrongMinutes).toBeLessThanOrEqual(boundMinutes)
    expect(alone.wrongMinutes).toBeGreaterThan(boundMinutes)
    expect(reconciled.wrongAfterReading).toBe(0)
    expect(reconciled.runsNotDone).toBe(0)
    expect(reconciled.repairs).toBeGreaterThan(0)
  },
)
