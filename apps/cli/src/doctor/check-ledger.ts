import type { MissingRange } from '@warmhook/ledger/find-missing'
import { toLedger } from '@warmhook/ledger/read-full-ledger'
import { surveyEnvelopes } from '@warmhook/ledger/survey-envelopes'
import { ok, problem, warning, type Check, type Finding } from './finding.ts'

/** The ledger: whether every accepted webhook is accounted for. */
export const checkLedger: Check = {
  name: 'ledger',
  async run({ queues, db }) {
    const intake = queues.find((queue) => queue.name === 'intake')
    if (intake === undefined) throw new RangeError('the intake queue is among the queues')
    const survey = await surveyEnvelopes(intake, db)
    const { accepted, processed, duplicate, quarantined, dead, inFlight, missing, balanced } = toLedger(survey)
    const sum = `${processed} processed + ${duplicate} duplicate + ${quarantined} quarantined + ${dead} dead + ${inFlight} in flight`
    const findings: Finding[] = [
      balanced || accepted === processed + duplicate + quarantined + dead + inFlight + missing
        ? ok(`${accepted} accepted = ${sum}`)
        : problem(
            `${accepted} accepted is not ${sum}`,
            'Run doctor again in a minute; if it stays so, keep the databases as they are and report it.',
          ),
    ]
    if (missing > 0) findings.push(describeMissing(missing, survey.missing))
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

const shownRanges = 10

function describeMissing(missing: number, ranges: readonly MissingRange[]): Finding {
  const shown = ranges.slice(0, shownRanges).map(describeRange)
  const more = ranges.length > shownRanges ? [`and ${ranges.length - shownRanges} more ranges`] : []
  return problem(
    `${missing} acknowledged webhooks are missing: ${[...shown, ...more].join('; ')}`,
    'They are neither in the database nor in Redis nor in a spool. Find out what removed data from Redis at that time (a flush, a restored backup, a failover without replicas), and ask the sender for the webhooks of that time.',
  )
}

function describeRange({ epoch, first, last, after, before }: MissingRange): string {
  const [from, until] = [after, before].toSorted((a, b) => a.getTime() - b.getTime())
  return `numbers ${first} to ${last} of ingress ${epoch}, received about ${from?.toISOString()} to ${until?.toISOString()}`
}
