import { randomUUID } from 'node:crypto'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { sql, type Transaction } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findContactsOfOthers, leaseContacts } from './crm-sync/lease-contacts.ts'
import { settleContacts } from './crm-sync/settle-contacts.ts'
import type { Database, Queryable, Tables } from './database.ts'
import { finishedEventIds } from './deliveries/finished-event-ids.ts'
import { classifyEvents } from './events/classify-events.ts'
import { readVerdicts } from './events/read-verdicts.ts'
import { findNews, findUnfolded } from './mailboxes/find-news.ts'
import { readBases } from './mailboxes/mailbox-bases.ts'
import { readEmails } from './mailboxes/read-emails.ts'
import { readMailboxes, readMailboxesOfContacts } from './mailboxes/read-mailboxes.ts'
import { claimNotifications } from './notifications/claim-notifications.ts'
import { recentPauses } from './pauses/recent-pauses.ts'

const rowsPerTable = 20_000
const batch = 50
const times = 7

const mailboxes = Array.from({ length: batch }, (_, at) => ({ owner: 'acme', campaignId: at * 397 }))
const contacts = mailboxes.map(({ owner, campaignId }) => ({ owner, email: `m${campaignId}@b.example` }))
const idOf = (n: number): string => `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
const eventIds = mailboxes.map(({ campaignId }) => idOf(campaignId))

const lookups: Readonly<Record<string, (tx: Transaction<Tables>) => Promise<unknown>>> = {
  leaseContacts: (tx) =>
    leaseContacts(tx, 'hubspot', contacts, { leaseId: randomUUID(), leaseMs: 1_000, isShared: false }),
  findContactsOfOthers: (tx) => findContactsOfOthers(tx, 'hubspot', contacts),
  settleContacts: (tx) =>
    settleContacts(
      tx,
      'hubspot',
      randomUUID(),
      contacts.map(({ email }) => ({ email, write: 'none' })),
    ),
  finishedEventIds: (tx) => finishedEventIds(tx, 'notify', eventIds, undefined),
  readVerdicts: (tx) => readVerdicts(tx, eventIds),
  findUnfolded: (tx) => findUnfolded(tx, eventIds),
  findNews: async (tx) => {
    const stored = await readMailboxes(tx, mailboxes)
    return findNews(
      tx,
      [...stored.values()].map((mailbox) => ({ ...mailbox, foldedSeq: 0 })),
    )
  },
  readBases: (tx) => readBases(tx, mailboxes),
  readEmails: (tx) => readEmails(tx, mailboxes),
  readMailboxes: (tx) => readMailboxes(tx, mailboxes),
  readMailboxesOfContacts: (tx) => readMailboxesOfContacts(tx, contacts, false),
  recentPauses: (tx) => recentPauses(tx, mailboxes, 0),
  classifyEvents: (tx) => classifyEvents(tx, eventIds, 1_000),
  claimNotifications: (tx) => claimNotifications(within(tx), mailboxes, () => Promise.resolve(opened), claim),
}

const claim = { claimId: randomUUID(), claimMs: 1_000 }
const opened = mailboxes.map(({ owner, campaignId }) => ({
  owner,
  campaignId,
  kind: 'opened' as const,
  eventId: idOf(campaignId),
  sinceEventId: idOf(campaignId),
  beforeEventId: undefined,
}))

/** A database whose transactions are parts of this one. */
function within(tx: Transaction<Tables>): Database {
  const transaction = () => ({ execute: (run: (inner: Transaction<Tables>) => unknown) => run(tx) })
  return { transaction } as unknown as Database
}

describe.each(['without statistics', 'with outdated statistics', 'with outdated plans', 'with statistics'] as const)(
  'a batch on large tables %s',
  (state) => {
    let store: TestStore
    beforeAll(async () => {
      store = await openTestStore()
      await fill(store.db, 0, 500)
      if (state === 'with outdated statistics') await sql`ANALYZE`.execute(store.db)
      // After some executions Postgres keeps the plan of a prepared statement.
      if (state === 'with outdated plans') for (const look of Object.values(lookups)) await repeat(look)
      await fill(store.db, 500, rowsPerTable)
      if (state === 'with statistics') await sql`ANALYZE`.execute(store.db)
    }, 60_000)
    afterAll(() => store[Symbol.asyncDispose]())

    /** Returns how many rows were read, on the connection that the pool also gave the time before. */
    function repeat(look: (tx: Transaction<Tables>) => Promise<unknown>): Promise<number> {
      return store.db.transaction().execute(async (tx) => {
        const before = await rowsRead(tx)
        for (let time = 0; time < times; time += 1) await look(tx)
        return (await rowsRead(tx)) - before
      })
    }

    it.each(Object.entries(lookups))('reads only its own rows: %s', async (_name, look) => {
      const read = await repeat(look)
      expect(read).toBeLessThan(times * batch * 10)
    })
  },
)

/** By this connection, since it last reported its statistics; from all tables. */
async function rowsRead(tx: Queryable): Promise<number> {
  const { rows } = await sql<{ read: string }>`
    SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) AS read FROM pg_stat_xact_user_tables`.execute(
    tx,
  )
  return Number(rows[0]?.read)
}

async function fill(db: Queryable, first: number, end: number): Promise<void> {
  await sql`
    INSERT INTO events (id, owner, source, campaign_id, type, received_at, event, raw, payload_hash, handlers, in_outbox)
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'acme', 'mailivery', n, 'campaign.updated', now(),
      json_build_object('id', '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 'source', 'mailivery', 'owner', 'acme',
        'campaignId', n, 'type', 'campaign.updated', 'receivedAt', 0, 'profile', '{}'::json),
      '', int4send(n), '{notify}', true
    FROM generate_series(${first}::int, ${end - 1}::int) AS n`.execute(db)
  await sql`
    INSERT INTO deliveries (event_id, handler, status, attempts, started_at, finished_at)
    SELECT id, 'notify', 'done', 1, now(), now() FROM events WHERE campaign_id >= ${first}`.execute(db)
  await sql`
    INSERT INTO mailboxes (owner, campaign_id, email, status, status_since, last_event_id, last_event_at, folded_seq)
    SELECT 'acme', campaign_id, 'm' || campaign_id || '@b.example', 'active', now(), id, now(), seq FROM events WHERE campaign_id >= ${first}`.execute(
    db,
  )
  await sql`
    INSERT INTO pauses (owner, campaign_id, opened_by, opened_at, reasons, category)
    SELECT 'acme', campaign_id, id, now(), '{}', 'other' FROM events WHERE campaign_id >= ${first}`.execute(db)
  await sql`
    INSERT INTO mailbox_bases (owner, campaign_id, up_to, timeline)
    SELECT 'acme', campaign_id, id, '{"mailbox":null,"pauses":[]}' FROM events WHERE campaign_id >= ${first}`.execute(
    db,
  )
  await sql`
    INSERT INTO notifications (owner, campaign_id, kind, event_id, claimed_by)
    SELECT 'acme', campaign_id, 'closed', id, id FROM events WHERE campaign_id >= ${first}`.execute(db)
  await sql`
    INSERT INTO crm_sync (provider, email, owner) SELECT 'hubspot', email, owner FROM mailboxes WHERE campaign_id >= ${first} ON CONFLICT DO NOTHING`.execute(
    db,
  )
}
