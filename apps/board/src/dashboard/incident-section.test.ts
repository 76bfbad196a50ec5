import { expect, it } from 'vitest'
import { incidentSection } from './incident-section.ts'

const incident = {
  id: '019a1b2c-0000-7000-8000-000000000001',
  owner: 'acme',
  cause: { domain: 'b.example', provider: 'smtp', category: 'authentication' },
  title: 'authentication',
  nextStep: 'Check <user name> and password.',
  openedAt: '2026-01-01T10:00:00.000Z',
  closedAt: null,
  mailboxes: 34,
  open: 30,
  sample: ['m1@b.example'],
}

it('shows an incident in one line, with its cause, its duration and what to do', async () => {
  const now = Date.parse('2026-01-01T11:00:00.000Z')
  const text = String(await incidentSection({ incidents: [incident], now })).replaceAll(/\s+/g, ' ')
  expect(text).toContain('30 of 34 mailboxes of b.example (smtp): authentication')
  expect(text).toContain('1 h')
  expect(text).toContain('Check &lt;user name&gt; and password.')
})

it('shows nothing without incidents', async () => {
  expect(String(await incidentSection({ incidents: [], now: 0 }))).toBe('')
})
