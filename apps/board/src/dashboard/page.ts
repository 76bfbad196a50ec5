import type { EventView } from '@warmhook/store/events/list-events'
import type { Stats } from '@warmhook/store/ledger/read-stats'
import type { PauseView } from '@warmhook/store/pauses/list-pauses'
import { html } from 'hono/html'
import type { HandlerStatus } from '../handler-status.ts'
import type { Ledger } from '@warmhook/ledger/read-full-ledger'
import { describeAge } from './describe-age.ts'

/** Everything that the dashboard shows. */
export interface Overview {
  readonly stats: Stats
  readonly ledger: Ledger
  readonly pauses: readonly PauseView[]
  readonly events: readonly EventView[]
  readonly handlers: readonly HandlerStatus[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

type Html = ReturnType<typeof html>

/** The whole page. */
export function page(data: Overview): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Warmhook</title>
        <link rel="stylesheet" href="/style.css" />
        <script src="/refresh.js" defer></script>
      </head>
      <body>
        <header>
          <h1>Warmhook</h1>
          <nav aria-label="More">
            <a href="/queues">Queues</a> <a href="/api/openapi.json">API</a> <a href="/metrics">Metrics</a>
          </nav>
        </header>
        <main id="overview">${overview(data)}</main>
      </body>
    </html>`
}

/** What the page renews by itself. */
export function overview(data: Overview): Html {
  const { stats, ledger } = data
  return html`${figures(data)}
    <section>
      <h2>Paused now</h2>
      ${data.pauses.length === 0 ? emptyPauses(ledger) : pauseTable(data.pauses, data.now)}
      ${stats.openPauses > data.pauses.length ? html`<p class="hint">${stats.openPauses - data.pauses.length} more in <a href="/api/pauses?state=open">the API</a></p>` : ''}
    </section>
    <section>
      <h2>Handlers</h2>
      ${handlerTable(data.handlers)}
    </section>
    <section>
      <h2>Latest events</h2>
      ${data.events.length === 0 ? html`<p class="hint">None yet. Try <code>npx warmhook send</code>.</p>` : eventTable(data.events, data.now)}
    </section>`
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
    <dd>${value.toLocaleString('en')}</dd>
  </div>`
}

function emptyPauses(ledger: Ledger): Html {
  return ledger.accepted === 0
    ? html`<p class="hint">No webhook has come yet. Try <code>npx warmhook send</code>.</p>`
    : html`<p class="hint">No mailbox is paused.</p>`
}

function pauseTable(pauses: readonly PauseView[], now: number): Html {
  const rows = pauses.map(
    (pause) =>
      html`<tr>
        <td>
          <a href="/api/mailboxes/${encodeURIComponent(pause.owner)}/${pause.campaignId}"
            >${pause.email ?? pause.campaignId}</a
          >
        </td>
        <td>${pause.reason ?? 'no reason given'}</td>
        <td><time datetime="${pause.openedAt}">${describeAge(now - Date.parse(pause.openedAt))}</time></td>
        <td>${pause.owner}</td>
      </tr>`,
  )
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Mailbox</th>
        <th scope="col">Reason</th>
        <th scope="col">For</th>
        <th scope="col">Owner</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
}

function handlerTable(handlers: readonly HandlerStatus[]): Html {
  const rows = handlers.map(
    (handler) =>
      html`<tr>
        <td><a href="/queues/queue/${handler.name}">${handler.name}</a></td>
        <td>
          ${handler.paused ? html`<span class="badge warn">paused</span>` : html`<span class="badge good">running</span>`}
        </td>
        <td class="number">${handler.depth}</td>
        <td class="number">${handler.oldestAgeMs === null ? '–' : describeAge(handler.oldestAgeMs)}</td>
        <td class="number">${handler.failing}</td>
      </tr>`,
  )
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Handler</th>
        <th scope="col">State</th>
        <th scope="col" class="number">Batches waiting</th>
        <th scope="col" class="number">Oldest</th>
        <th scope="col" class="number">Failed</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
}

function eventTable(events: readonly EventView[], now: number): Html {
  const rows = events.map(
    (event) =>
      html`<tr>
        <td><a href="/api/events/${event.id}">${event.type}</a></td>
        <td>${event.email ?? event.campaignId}</td>
        <td>
          <span class="badge ${event.status === 'dead' || event.status === 'failing' ? 'bad' : ''}"
            >${event.status}</span
          >
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
