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
            `the ledger does not balance: ${accepted} accepted ≠ ${sum}`,
            'Run doctor again in a minute. If the problem persists, leave the databases unchanged and report it.',
          ),
    ]
    if (missing > 0) findings.push(describeMissing(missing, survey.missing))
    if (quarantined > 0)
      findings.push(
        warning(
          `webhooks in quarantine: ${quarantined}`,
          'See GET /api/quarantine for the reasons; replay the webhooks once a version can parse them.',
        ),
      )
    if (dead > 0) findings.push(warning(`dead events: ${dead}`, 'See GET /api/events?status=dead for the reasons.'))
    return findings
  },
}

const shownRanges = 10

function describeMissing(missing: number, ranges: readonly MissingRange[]): Finding {
  const shown = ranges.slice(0, shownRanges).map(describeRange)
  const more = ranges.length > shownRanges ? [`and ${ranges.length - shownRanges} more ranges`] : []
  return problem(
    `${missing} acknowledged webhooks are missing: ${[...shown, ...more].join('; ')}`,
    'They are not in the database, in Redis or in a spool. Find out what removed data from Redis at that time (a flush, a restored backup, a failover without REDIS_WAIT_REPLICAS), and ask the sender to send these webhooks again.',
  )
}

function describeRange({ epoch, first, last, after, before }: MissingRange): string {
  const [from, until] = [after, before].toSorted((a, b) => a.getTime() - b.getTime())
  return `numbers ${first} to ${last} of ingress ${epoch}, received about ${from?.toISOString()} to ${until?.toISOString()}`
}
