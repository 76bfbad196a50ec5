import type { Ledger } from '@warmhook/ledger/read-full-ledger'
import type { EventView } from '@warmhook/store/events/list-events'
import type { IncidentView } from '@warmhook/store/incidents/list-incidents'
import type { Stats } from '@warmhook/store/ledger/read-stats'
import type { PauseView } from '@warmhook/store/pauses/list-pauses'
import { html } from 'hono/html'
import type { HandlerStatus } from '../read-handler-statuses.ts'
import { describeAge } from './describe-age.ts'
import { incidentSection } from './incident-section.ts'
import { crmSection } from './crm-section.ts'
import { describeConcerns, type Condition } from './describe-concerns.ts'

/** The data shown on the dashboard. */
export interface Overview extends Condition {
  readonly stats: Stats
  readonly pauses: readonly PauseView[]
  readonly incidents: readonly IncidentView[]
  readonly events: readonly EventView[]
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Prefix of every link, without a trailing slash. */
  readonly basePath: string
}

type Html = ReturnType<typeof html>

/** The part of the page that refreshes automatically. */
export function overview(data: Overview): Html {
  const { stats, ledger, basePath } = data
  const concerns = describeConcerns(data)
  return html`${concerns.length === 0 ? '' : concernList(concerns)} ${figures(data)} ${incidentSection(data)}
    <section>
      <h2>Paused mailboxes</h2>
      ${data.pauses.length === 0 ? emptyPauses(ledger) : pauseTable(data)}
      ${stats.openPauses > data.pauses.length ? html`<p class="hint">${stats.openPauses - data.pauses.length} more in <a href="${basePath}/api/pauses?state=open">the API</a></p>` : ''}
    </section>
    <section>
      <h2>Handlers</h2>
      ${handlerTable(data)}
    </section>
    ${crmSection(data)}
    <section>
      <h2>Latest events</h2>
      ${data.events.length === 0 ? html`<p class="hint">None yet. Try <code>npx warmhook send</code>.</p>` : eventTable(data)}
    </section>`
}

function concernList(concerns: readonly string[]): Html {
  return html`<ul class="concerns">
    ${concerns.map((concern) => html`<li>${concern}</li>`)}
  </ul>`
}

function figures({ stats, ledger }: Overview): Html {
  const balance = ledger.balanced
    ? html`<span class="badge good">ledger balances</span>`
    : html`<span class="badge bad">ledger does not balance</span>`
  return html`<p class="balance">
      ${balance}
      <span
        >${ledger.accepted} accepted = ${ledger.processed} processed + ${ledger.duplicate} duplicate +
        ${ledger.quarantined} in quarantine + ${ledger.dead} dead + ${ledger.inFlight} in flight</span
      >
    </p>
    <dl class="figures">
      ${figure('Paused', stats.mailboxes.paused, stats.mailboxes.paused > 0 ? 'warn' : '')}
      ${figure('Active', stats.mailboxes.active)} ${figure('Pending', stats.mailboxes.pending)}
      ${figure('Events in 24 h', stats.events.lastDay)} ${figure('In flight', ledger.inFlight)}
      ${figure('Dead', ledger.dead, ledger.dead > 0 ? 'bad' : '')}
      ${figure('Quarantine', ledger.quarantined, ledger.quarantined > 0 ? 'warn' : '')}
    </dl>`
}

function figure(label: string, value: number, tone = ''): Html {
  return html`<div class="${tone}">
    <dt>${label}</dt>
    <dd>${count(value)}</dd>
  </div>`
}

function emptyPauses(ledger: Ledger): Html {
  return ledger.accepted === 0
    ? html`<p class="hint">No webhook received yet. Try <code>npx warmhook send</code>.</p>`
    : html`<p class="hint">No mailbox is paused.</p>`
}

function pauseTable({ pauses, now, basePath }: Overview): Html {
  const rows = pauses.map(
    (pause) =>
      html`<tr>
        <td>
          <a href="${basePath}/api/mailboxes/${encodeURIComponent(pause.owner)}/${pause.campaignId}"
            >${pause.email ?? pause.campaignId}</a
          >
        </td>
        <td>${pause.reason ?? 'no reason given'}</td>
        <td><time datetime="${pause.openedAt}">${describeAge(now - Date.parse(pause.openedAt))}</time></td>
        <td>${pause.nextStep}</td>
        <td>${pause.owner}</td>
      </tr>`,
  )
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Mailbox</th>
        <th scope="col">Reason</th>
        <th scope="col">For</th>
        <th scope="col">What to do</th>
        <th scope="col">Owner</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
}

function handlerTable({ handlers, basePath }: Overview): Html {
  const rows = handlers.map(
    (handler) =>
      html`<tr>
        <td><a href="${basePath}/queues/queue/${handler.name}">${handler.name}</a></td>
        <td>${stateBadge(handler)}</td>
        <td class="number">${handler.workers}</td>
        <td class="number">${count(handler.ratePerMinute)}</td>
        <td class="number">${count(handler.depth)}</td>
        <td class="number">${age(handler.oldestClaimableAgeMs)}</td>
        <td class="number">${count(handler.failing)}</td>
        <td class="number">${age(handler.retryingAgeMs)}</td>
        <td class="number">${count(handler.dead)}</td>
      </tr>`,
  )
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Handler</th>
        <th scope="col">State</th>
        <th scope="col" class="number">Workers</th>
        <th scope="col" class="number">Events/min</th>
        <th scope="col" class="number">Batches waiting</th>
        <th scope="col" class="number">Late by</th>
        <th scope="col" class="number">Events retried</th>
        <th scope="col" class="number">For</th>
        <th scope="col" class="number">Dead</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
}

function stateBadge({ enabled, paused, workers }: HandlerStatus): Html {
  if (!enabled) return html`<span class="badge">off</span>`
  if (paused) return html`<span class="badge warn">paused</span>`
  return workers === 0 ? html`<span class="badge bad">no worker</span>` : html`<span class="badge good">running</span>`
}

function age(ms: number | null): string {
  return ms === null ? '–' : describeAge(ms)
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function warningBadge(warnings: readonly string[]): Html {
  return html`<span class="badge warn" title="${warnings.join('\n')}">warnings</span>`
}

function eventTable({ events, now, basePath }: Overview): Html {
  const rows = events.map(
    (event) =>
      html`<tr>
        <td><a href="${basePath}/api/events/${event.id}">${event.type}</a></td>
        <td>${event.email ?? event.campaignId}</td>
        <td>
          <span class="badge ${event.status === 'dead' || event.status === 'failing' ? 'bad' : ''}"
            >${event.status}</span
          >
          ${event.warnings.length === 0 ? '' : warningBadge(event.warnings)}
        </td>
        <td><time datetime="${event.receivedAt}">${describeAge(now - Date.parse(event.receivedAt))} ago</time></td>
      </tr>`,
  )
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Type</th>
        <th scope="col">Mailbox</th>
        <th scope="col">Status</th>
        <th scope="col">Received</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
}
