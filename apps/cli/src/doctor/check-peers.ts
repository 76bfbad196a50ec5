import { listRefusingPeers } from '@warmhook/store/peer-gates/list-refusing-peers'
import { ok, problem, warning, type Check, type Finding } from './finding.ts'

/** CRM and Slack accounts: whether one refuses calls. */
export const checkPeers: Check = {
  name: 'peers',
  async run({ db }) {
    const refusing = await listRefusingPeers(db)
    if (refusing.length === 0) return [ok('no CRM or Slack account refuses calls')]
    return refusing.map(({ peer, cause, reason, refusals, sinceMs }): Finding => {
      const message = `${peer} is ${cause}: it has refused ${refusals} calls in ${Math.round(sinceMs / 1_000)} s: ${reason}`
      if (cause === 'limited')
        return warning(message, 'No action needed: its events are held and continue automatically.')
      return problem(
        message,
        'Fix the cause. Its events are held, none is lost, and they continue within a minute, or at once with “Try now” on the dashboard.',
      )
    })
  },
}
