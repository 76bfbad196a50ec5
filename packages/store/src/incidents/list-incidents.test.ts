import { deriveIncidents, type IncidentPause } from '@warmhook/schema/fixtures/derive-incidents'
import { openTestStore } from '@warmhook/testing/open-test-store'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Database } from '../database.ts'
import { listIncidents } from './list-incidents.ts'

const now = Date.now()
const minute = 60_000
const all = { limit: 200, cursor: undefined }

const histories = fc.array(
  fc.record({
    campaignId: fc.integer({ min: 1, max: 8 }),
    category: fc.constantFrom('authentication', 'smtp_connection'),
    openedAgo: fc.integer({ min: 1, max: 120 }),
    isOpen: fc.boolean(),
  }),
  { maxLength: 30 },
)

/** Mailboxes 1 to 4 are of one domain, the others of another one. */
const domainOf = (campaignId: number): string => (campaignId <= 4 ? 'a.example' : 'b.example')

function toPauses(history: readonly { campaignId: number; category: string; openedAgo: number; isOpen: boolean }[]) {
  const isTaken = new Set<number>()
  return history
    .toSorted((a, b) => a.openedAgo - b.openedAgo)
    .map(({ campaignId, category, openedAgo, isOpen }, index): IncidentPause => {
      const openedAt = now - openedAgo * minute
      // A mailbox has one open pause at most.
      const stays = isOpen && !isTaken.has(campaignId)
      if (stays) isTaken.add(campaignId)
      return {
        owner: 'acme',
        campaignId,
        domain: domainOf(campaignId),
        provider: 'smtp',
        category,
        openedBy: toId(openedAt, index),
        openedAt,
        closedAt: stays ? null : openedAt + index * 1_000,
      }
    })
}

function toId(ms: number, count: number): string {
  const time = ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${(1_000 - count).toString(16).padStart(12, '0')}`
}

async function save(db: Database, pauses: readonly IncidentPause[]): Promise<void> {
  await db.deleteFrom('pauses').execute()
  if (pauses.length === 0) return
  const rows = pauses.map(({ owner, campaignId, category, openedBy, openedAt, closedAt }) => ({
    owner,
    campaign_id: String(campaignId),
    opened_by: openedBy,
    opened_by_type: 'campaign.connection.problematic' as const,
    opened_at: new Date(openedAt),
    reasons: [],
    category: category as 'authentication',
    closed_by: closedAt === null ? null : openedBy,
    closed_at: closedAt === null ? null : new Date(closedAt),
  }))
  await db.insertInto('pauses').values(rows).execute()
}

it('lists the incidents that the pauses make, in whatever order they were stored', async () => {
  await using store = await openTestStore()
  const { db } = store
  for (let id = 1; id <= 8; id += 1)
    await db
      .insertInto('mailboxes')
      .values({
        owner: 'acme',
        campaign_id: String(id),
        email: `m${id}@${domainOf(id)}`,
        provider: 'smtp',
        status: 'active',
        status_since: new Date(),
        last_event_id: toId(now, id),
        last_event_at: new Date(),
        folded_seq: '0',
      })
      .execute()
  await fc.assert(
    fc.asyncProperty(histories, fc.gen(), async (history, gen) => {
      const pauses = toPauses(history)
      const shuffled = gen(fc.shuffledSubarray, pauses, { minLength: pauses.length, maxLength: pauses.length })
      const expected = deriveIncidents(pauses)
      expect(deriveIncidents(shuffled)).toEqual(expected)
      await save(db, shuffled)
      const { items } = await listIncidents(db, {}, all, now)
      const found = items.map(({ id, owner, cause, openedAt, closedAt, mailboxes, open }) => ({
        id,
        owner,
        cause,
        openedAt: Date.parse(openedAt),
        closedAt: closedAt === null ? null : Date.parse(closedAt),
        mailboxes,
        open,
      }))
      expect(found).toEqual(expected)
      const later = await listIncidents(db, { state: 'open' }, all, now + 40 * 24 * 60 * minute)
      const stillOpen = deriveIncidents(pauses.filter(({ closedAt }) => closedAt === null))
      expect(later.items.map(({ id }) => id)).toEqual(stillOpen.map(({ id }) => id))
      const [opened, closed] = [
        await listIncidents(db, { state: 'open' }, all, now),
        await listIncidents(db, { state: 'closed' }, all, now),
      ]
      expect(opened.items.map(({ id }) => id)).toEqual(expected.filter(({ open }) => open > 0).map(({ id }) => id))
      expect(closed.items.map(({ id }) => id)).toEqual(expected.filter(({ open }) => open === 0).map(({ id }) => id))
    }),
    { numRuns: 60 },
  )
})
