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
