import { setTimeout as delay } from 'node:timers/promises'
import type { CrmBehaviour } from '../crm-peer.ts'
import { drawOutage, type Fault } from './fault.ts'

/** Failures of the CRM. */
export const crmFaults: readonly Fault[] = [
  unwell('CRM: answers 429', 'too many requests'),
  unwell('CRM: answers 500', 'server error'),
  unwell('CRM: answers garbage', 'garbage'),
  unwell('CRM: does not answer', 'silent'),
  unwell('CRM: writes, then breaks the connection', 'lost answer'),
  unwell('CRM: budget cut to a hundredth', 'small budget'),
  {
    name: 'CRM: token revoked, replaced, and resumed',
    async inject({ crm, resumeCrm }, random, lengths) {
      crm.behaviour = 'revoked'
      await delay(drawOutage(random, lengths))
      crm.behaviour = 'well'
      await resumeCrm()
    },
  },
]

function unwell(name: string, behaviour: CrmBehaviour): Fault {
  return {
    name,
    async inject({ crm }, random, lengths) {
      crm.behaviour = behaviour
      await delay(drawOutage(random, lengths))
      crm.behaviour = 'well'
    },
  }
}
