import { html } from 'hono/html'
import { isStopped, type OwnerState } from '@warmhook/crm/accounts/read-account-states'
import { describeAge } from './describe-age.ts'

type Html = ReturnType<typeof html>

export interface CrmSectionData {
  readonly crm: readonly OwnerState[]
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Prefix of every link, without a trailing slash. */
  readonly basePath: string
}

/** The CRM accounts: state, what is done and what waits, and the budget. Empty without accounts. */
export function crmSection({ crm, now, basePath }: CrmSectionData): Html | '' {
  if (crm.length === 0) return ''
  return html`<section>
    <h2>CRM</h2>
    <table>
      <thead>
        <tr>
          <th scope="col">Owner</th>
          <th scope="col">CRM</th>
          <th scope="col">State</th>
          <th scope="col" class="number">Synced</th>
          <th scope="col" class="number">Waiting</th>
          <th scope="col" class="number">Failed</th>
          <th scope="col" class="number">Budget left</th>
          <th scope="col">Last error</th>
        </tr>
      </thead>
      <tbody>
        ${crm.map((owner) => row(owner, now, basePath))}
      </tbody>
    </table>
    <p class="hint"><a href="${basePath}/api/crm/contacts">Contacts that are not in sync</a></p>
  </section>`
}

function row(owner: OwnerState, now: number, basePath: string): Html {
  const { budget } = owner
  return html`<tr>
    <td>${owner.owner}</td>
    <td>${owner.provider ?? '–'}</td>
    <td>${stateBadge(owner, now)} ${isStopped(owner.state) ? resumeButton(owner, basePath) : ''}</td>
    <td class="number">${owner.synced.toLocaleString('en')}</td>
    <td class="number">${owner.waiting.toLocaleString('en')}</td>
    <td class="number">${owner.failed.toLocaleString('en')}</td>
    <td class="number">${budget === null ? '–' : `${budget.remaining} of ${budget.limit}`}</td>
    <td>${owner.lastError ?? ''}</td>
  </tr>`
}

function stateBadge({ state, since }: OwnerState, now: number): Html {
  const tone = { ok: 'good', off: '', limited: 'warn', down: 'bad', unauthorised: 'bad', misconfigured: 'bad' }[state]
  const age = since === null ? '' : ` for ${describeAge(now - Date.parse(since))}`
  return html`<span class="badge ${tone}">${state}${age}</span>`
}

function resumeButton({ owner }: OwnerState, basePath: string): Html {
  return html`<form method="post" action="${basePath}/crm/${encodeURIComponent(owner)}/resume">
    <button>Try now</button>
  </form>`
}
