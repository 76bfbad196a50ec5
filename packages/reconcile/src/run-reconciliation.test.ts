import type { FakeFault } from '@warmhook/mailivery/fixtures/fake-fault'
import { listMailboxes } from '@warmhook/store/mailboxes/list-mailboxes'
import { listPauses } from '@warmhook/store/pauses/list-pauses'
import { beginRun, readRun } from '@warmhook/store/reconciliations/runs'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openReconciler, type Reconciler } from './fixtures/open-reconciler.ts'
import { runReconciliation } from './run-reconciliation.ts'

let here: Reconciler
beforeEach(async () => {
  here = await openReconciler()
})
afterEach(() => here[Symbol.asyncDispose]())

const page = { limit: 200, cursor: undefined }

function list(codes: Readonly<Record<number, string>>): void {
  here.mailivery.campaigns.clear()
  for (const [id, statusCode] of Object.entries(codes))
    here.mailivery.campaigns.set(Number(id), { id: Number(id), email: `m${id}@b.example`, statusCode })
}

async function statuses(): Promise<Readonly<Record<number, string>>> {
  const { items } = await listMailboxes(here.db, {}, page)
  return Object.fromEntries(items.map(({ campaignId, status }) => [campaignId, status]))
}

async function pauses() {
  return (await listPauses(here.db, {}, page, here.now)).items
}

/** Created mailboxes with these ids. */
async function create(...ids: readonly number[]): Promise<void> {
  for (const id of ids) await here.webhook('campaign.created', id, { email: `m${id}@b.example` })
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const all = (count: number, status: string) => Object.fromEntries(range(count).map((id) => [id, status]))

describe('a reconciliation', () => {
  it('opens and closes pauses whose webhooks were lost, and adds mailboxes', async () => {
    await create(1, 2)
    await here.webhook('campaign.connection.problematic', 2)
    list({ 1: 'paused', 2: 'active', 3: 'pending' })
    const run = await here.reconcile()
    expect(run).toMatchObject({ state: 'done', checked: 3, opened: 1, closed: 1, added: 1, vanished: 0, error: null })
    expect(await statuses()).toEqual({ 1: 'paused', 2: 'active', 3: 'pending' })
    expect(await pauses()).toMatchObject([
      { campaignId: 1, openedBy: 'reconcile', closedBy: null, reason: null },
      { campaignId: 2, openedBy: 'campaign.connection.problematic', closedBy: 'reconcile', presumed: false },
    ])
  })

  it('changes nothing where the record is right, and shows when it was confirmed', async () => {
    await create(1)
    list({ 1: 'active' })
    expect(await here.reconcile()).toMatchObject({ opened: 0, closed: 0, added: 0, changed: 0, confirmed: 0 })
    const [mailbox] = (await listMailboxes(here.db, {}, page)).items
    expect(mailbox).toMatchObject({ statusCode: 'active', confirmedAt: new Date(here.now).toISOString() })
    expect(await here.db.selectFrom('events').select('id').execute()).toHaveLength(1)
  })

  it('corrects nothing in a dry run, and reports what it would', async () => {
    await create(1)
    list({ 1: 'paused', 2: 'active' })
    expect(await here.reconcile({ isDry: true })).toMatchObject({ state: 'done', opened: 1, added: 1 })
    expect(await statuses()).toEqual({ 1: 'active' })
  })

  it('lets a webhook that arrives during the reading decide', async () => {
    await create(1, 2)
    list({ 1: 'paused', 2: 'paused' })
    here.mailivery.settings.paging = { style: 'next_page_url', size: 1 }
    here.afterPage = async () => {
      here.afterPage = undefined
      await here.webhook('campaign.updated', 2)
    }
    await here.reconcile()
    expect(await statuses()).toEqual({ 1: 'paused', 2: 'active' })
  })

  it.each([
    ['paused', { closedBy: null, presumed: false }],
    ['active', { closedBy: 'campaign.updated', presumed: false }],
  ] as const)('settles a presumed recovery if the mailbox is %s', async (status, pause) => {
    await create(1)
    await here.webhook('campaign.connection.problematic', 1)
    await here.webhook('campaign.updated', 1)
    expect(await pauses()).toMatchObject([{ closedBy: 'campaign.updated', presumed: true }])
    list({ 1: status })
    await here.reconcile()
    expect(await pauses()).toMatchObject([pause])
  })

  it('stores and shows a status that it does not know, and does not interpret it', async () => {
    await create(1)
    list({ 1: 'hibernating', 2: 'hibernating' })
    expect(await here.reconcile()).toMatchObject({ unclear: 2, opened: 0, added: 0 })
    expect((await listMailboxes(here.db, {}, page)).items).toMatchObject([
      { status: 'active', statusCode: 'hibernating' },
    ])
  })

  it('deletes a mailbox only after two complete readings without it', async () => {
    await create(...range(6))
    list(all(5, 'active'))
    expect(await here.reconcile()).toMatchObject({ state: 'done', vanished: 0 })
    expect(await statuses()).toMatchObject({ 6: 'active' })
    list(all(6, 'active'))
    await here.reconcile()
    list(all(5, 'active'))
    expect(await here.reconcile()).toMatchObject({ vanished: 0 })
    expect(await here.reconcile()).toMatchObject({ vanished: 1 })
    expect(await statuses()).toMatchObject({ 5: 'active', 6: 'deleted' })
  })

  it('waits for a person if more than a fifth of the mailboxes vanish', async () => {
    await create(...range(5))
    list(all(3, 'active'))
    for (let time = 0; time < 3; time += 1)
      expect(await here.reconcile()).toMatchObject({
        state: 'waiting',
        vanished: 0,
        error: expect.stringMatching(/2 of 5.*--accept-vanished/),
      })
    expect(await statuses()).toMatchObject({ 4: 'active', 5: 'active' })
    expect(await here.reconcile({ acceptsVanished: true })).toMatchObject({ state: 'done', vanished: 2 })
    expect(await statuses()).toMatchObject({ 3: 'active', 4: 'deleted', 5: 'deleted' })
  })

  it.each([
    { kind: 'empty list' },
    { kind: 'half list' },
    { kind: 'html' },
    { kind: 'truncated' },
    { kind: 'reset' },
    { kind: 'unsuccessful' },
    { kind: 'status', status: 401 },
    { kind: 'status', status: 500 },
  ] as const satisfies readonly FakeFault[])(
    'changes no status when Mailivery answers with $kind $status',
    async (fault) => {
      await create(...range(12))
      await here.webhook('campaign.connection.problematic', 1)
      list({ ...all(12, 'active'), 1: 'paused' })
      const before = await statuses()
      here.mailivery.settings.fault = fault
      const runs = [await here.reconcile(), await here.reconcile()]
      expect(runs.map(({ state }) => state)).not.toContain('done')
      expect(await statuses()).toEqual(before)
    },
  )

  it('goes on with a run that another worker has left, and counts each page once', async () => {
    await create(...range(25))
    list(all(25, 'paused'))
    const { id } = await beginRun(here.db, {
      id: uuidv7(),
      owner: 'acme',
      isDry: false,
      acceptsVanished: false,
      now: ++here.now,
    })
    const run = await readRun(here.db, id)
    if (run === undefined) throw new RangeError('the run was begun')
    const deps = { db: here.db, client: here.client, isKeyShared: false, turnMs: 1_000 }
    const now = () => here.now
    let added = 0
    const dying = { ...deps, now, add: () => (added++ === 1 ? Promise.reject(new Error('killed')) : Promise.resolve()) }
    await expect(runReconciliation(run, dying)).rejects.toThrow('killed')
    expect(await readRun(here.db, id)).toMatchObject({ checked: 10 })
    const result = await here.reconcile()
    expect(result).toMatchObject({ id, state: 'done', checked: 25, opened: 25 })
  })

  it('leaves campaigns of other owners alone, and adds none if the key is shared', async () => {
    list({ 1: 'active', 2: 'active' })
    await here.reconcile({ owner: 'beta' })
    expect(await here.reconcile({ owner: 'acme' })).toMatchObject({ checked: 2, added: 0 })
    list({ 1: 'active', 2: 'active', 3: 'active' })
    expect(await here.reconcile({ owner: 'acme', isKeyShared: true })).toMatchObject({ added: 0, unclear: 1 })
  })
})
