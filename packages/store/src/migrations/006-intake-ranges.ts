import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  // Routed envelopes, by the numbers that ingress processes assign. Rows may overlap: they are read as a set.
  `CREATE TABLE intake_ranges (
    epoch text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    routed_from timestamptz NOT NULL DEFAULT now(),
    routed_until timestamptz NOT NULL DEFAULT now(),
    is_merged boolean NOT NULL DEFAULT false,
    PRIMARY KEY (epoch, first, last)
  )`,
  `CREATE INDEX intake_ranges_to_merge ON intake_ranges (epoch) WHERE NOT is_merged`,
  // The ingress's record of what it acknowledged, copied from Redis, which can lose it.
  `CREATE TABLE ingress_reports (
    kind text NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL,
    report json NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, name)
  )`,
]

export const intakeRanges: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
