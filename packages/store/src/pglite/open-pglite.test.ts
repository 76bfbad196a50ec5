import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../database.ts'
import { openPglite } from './open-pglite.ts'

let db: Database
// The first PGlite of a process takes long to compile on a busy machine.
beforeAll(async () => {
  db = await openPglite()
  await sql`CREATE TABLE counted (n int)`.execute(db)
}, 60_000)
afterAll(() => db.destroy())

async function count(): Promise<unknown> {
  return (await sql<{ n: number }>`SELECT count(*)::int AS n FROM counted`.execute(db)).rows[0]?.n
}

describe('the embedded Postgres', () => {
  it('does not block the event loop while a statement runs', async () => {
    const ended = new AbortController()
    const statement = sql`SELECT count(*) FROM generate_series(1, 300000)`.execute(db).finally(() => ended.abort())
    let turns = 0
    for (; !ended.signal.aborted; turns += 1) await nextTurn()
    await statement
    expect(turns).toBeGreaterThan(100)
  })

  it('passes on values and errors unchanged', async () => {
    const value = { at: new Date(1), bytes: Buffer.from([0, 255]), text: 'ü', none: null, list: ['a', 'b'] }
    const { rows } = await sql`
      SELECT ${value.at}::timestamptz AS at, ${value.bytes}::bytea AS bytes, ${value.text}::text AS text, ${value.none}::text AS none,
        ${value.list}::text[] AS list`.execute(db)
    expect(rows).toEqual([{ ...value, bytes: new Uint8Array(value.bytes) }])
    await expect(sql`SELECT 1 / 0`.execute(db)).rejects.toMatchObject({ code: '22012', severity: 'ERROR' })
  })

  it('commits and rolls back; a query outside a transaction waits for its end', async () => {
    let beside: Promise<unknown> | undefined
    await db.transaction().execute(async (tx) => {
      await sql`INSERT INTO counted VALUES (1)`.execute(tx)
      beside = count()
      await sql`INSERT INTO counted VALUES (2)`.execute(tx)
    })
    expect(await beside).toBe(2)
    const failed = db.transaction().execute(async (tx) => {
      await sql`INSERT INTO counted VALUES (3)`.execute(tx)
      throw new Error('not after all')
    })
    await expect(failed).rejects.toThrow('not after all')
    expect(await count()).toBe(2)
  })

  it('does not report a transaction with a failed statement as committed', async () => {
    const failed = db.transaction().execute(async (tx) => {
      await sql`SELECT 1 / 0`.execute(tx).catch(() => undefined)
    })
    await expect(failed).rejects.toThrow(/rolled back/)
    expect((await sql`SELECT 1 AS one`.execute(db)).rows).toEqual([{ one: 1 }])
  })
})
