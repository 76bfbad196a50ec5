import { readFullLedger } from '@warmhook/ledger/read-full-ledger'
import { ok, problem, warning, type Check, type Finding } from './finding.ts'

/** The ledger: whether every accepted webhook is accounted for. */
export const checkLedger: Check = {
  name: 'ledger',
  async run({ queues, db }) {
    const intake = queues.find((queue) => queue.name === 'intake')
    if (intake === undefined) throw new RangeError('the intake queue is among the queues')
    const { accepted, processed, duplicate, quarantined, dead, inFlight, balanced } = await readFullLedger(intake, db)
    const sum = `${processed} processed + ${duplicate} duplicate + ${quarantined} quarantined + ${dead} dead + ${inFlight} in flight`
    const findings: Finding[] = [
      balanced
        ? ok(`${accepted} accepted = ${sum}`)
        : problem(
            `${accepted} accepted is not ${sum}`,
            'Run doctor again in a minute; if it stays so, keep the databases as they are and report it.',
          ),
    ]
    if (quarantined > 0)
      findings.push(
        warning(
          `${quarantined} webhooks could not be read`,
          'Look at GET /api/quarantine; replay them once a version can.',
        ),
      )
    if (dead > 0) findings.push(warning(`${dead} events failed for good`, 'See the dead letters of the handlers.'))
    return findings
  },
}
