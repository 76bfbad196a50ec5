import type { IncidentView } from '@warmhook/store/incidents/list-incidents'
import { html } from 'hono/html'
import { describeAge } from './describe-age.ts'

type Html = ReturnType<typeof html>

interface Incidents {
  readonly incidents: readonly IncidentView[]
  readonly now: number
}

/** Open incidents: one line for all mailboxes with a common cause. Nothing if there are none. */
export function incidentSection({ incidents, now }: Incidents): Html {
  if (incidents.length === 0) return html``
  return html`<section>
    <h2>Incidents</h2>
    <table>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">For</th>
          <th scope="col">What to do</th>
          <th scope="col">Owner</th>
        </tr>
      </thead>
      <tbody>
        ${incidents.map((incident) => row(incident, now))}
      </tbody>
    </table>
  </section>`
}

function row(incident: IncidentView, now: number): Html {
  const { cause, open, mailboxes, title, nextStep, openedAt, owner, sample } = incident
  const provider = cause.provider === '' ? '' : ` (${cause.provider})`
  const count = open === mailboxes ? `${open}` : `${open} of ${mailboxes}`
  return html`<tr>
    <td title="${sample.join('\n')}">
      ${count} mailboxes of ${cause.domain === '' ? 'an unknown domain' : cause.domain}${provider}: ${title}
    </td>
    <td><time datetime="${openedAt}">${describeAge(now - Date.parse(openedAt))}</time></td>
    <td>${nextStep}</td>
    <td>${owner}</td>
  </tr>`
}
