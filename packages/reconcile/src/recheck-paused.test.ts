import { beginRun } from '@warmhook/store/reconciliations/runs'
import { v7 as uuidv7 } from 'uuid'
import { expect, it } from 'vitest'
import { openReconciler, type Reconciler } from './fixtures/open-reconciler.ts'
import { recheckPaused } from './recheck-paused.ts'

const minute = 60_000

/** Goes through the end of a run, and returns how often Mailivery was asked so far. */
async function endRun(here: Reconciler, afterMs: number | undefined, isDry = false): Promise<number> {
  const run = await beginRun(here.db, { id: uuidv7(), owner: 'acme', isDry, acceptsVanished: false, now: here.now })
  await here.db.updateTable('reconciliations').set({ state: 'done' }).where('id', '=', run.id).execute()
  await recheckPaused(run, { db: here.db, client: here.client, afterMs, now: () => here.now })
  await here.db
    .updateTable('reconciliations')
    .set({ touched_at: new Date(here.now) })
    .where('id', '=', run.id)
    .execute()
  return here.mailivery.calls.filter(({ path }) => path.startsWith('/campaigns/connections/recheck')).length
}

it('has long pauses rechecked, spread over the time that Mailivery allows, and nothing else', async () => {
  await using here = await openReconciler()
  await here.webhook('campaign.connection.problematic', 1)
  expect(await endRun(here, 30 * minute)).toBe(0)
  here.now += 31 * minute
  expect(await endRun(here, undefined)).toBe(0)
  expect(await endRun(here, 30 * minute, true)).toBe(0)
  expect(await endRun(here, 30 * minute)).toBe(1)
  here.now += 15 * minute
  expect(await endRun(here, 30 * minute)).toBe(1)
  here.now += 30 * minute
  expect(await endRun(here, 30 * minute)).toBe(2)
  await here.webhook('campaign.created', 1)
  here.now += 60 * minute
  expect(await endRun(here, 30 * minute)).toBe(2)
})

it('does not count a recheck that Mailivery refused', async () => {
  await using here = await openReconciler()
  await here.webhook('campaign.connection.problematic', 1)
  here.now += 31 * minute
  here.mailivery.settings.fault = { kind: 'status', status: 500 }
  await endRun(here, 30 * minute)
  here.mailivery.settings.fault = undefined
  expect(await endRun(here, 30 * minute)).toBeGreaterThan(1)
})
