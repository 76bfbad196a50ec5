import { profileFields, type MailboxProfile, type ProfileField } from '@warmhook/schema/mailbox-event'
import { sql, type RawBuilder } from 'kysely'

/** `firstName` → `first_name`. */
type SnakeCase<Name extends string> = Name extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${SnakeCase<Tail>}`
  : ''

/** The columns of a mailbox's profile: the fields of `MailboxProfile` in snake case. */
export type ProfileColumns = {
  [Field in ProfileField as SnakeCase<Field>]: Exclude<MailboxProfile[Field], undefined> | null
}

interface Column {
  readonly field: ProfileField
  readonly name: keyof ProfileColumns
  readonly type: 'text' | 'text[]'
}

/** In the order of `MailboxProfile`. A new field there needs a migration that adds its column, but no change here. */
const columns: readonly Column[] = profileFields.map(({ name, isList }) => ({
  field: name,
  name: name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as keyof ProfileColumns,
  type: isList ? 'text[]' : 'text',
}))

const joined = (part: (column: Column) => RawBuilder<unknown>): RawBuilder<unknown> => sql.join(columns.map(part))

/** Column lists for INSERT … SELECT … ON CONFLICT from JSON. */
export const profileSql = {
  names: joined(({ name }) => sql.ref(name)),
  typed: joined(({ name, type }) => sql`${sql.ref(name)} ${sql.raw(type)}`),
  excluded: joined(({ name }) => sql`${sql.ref(name)} = excluded.${sql.ref(name)}`),
  /** Arrays are selected as JSON: the driver takes ten times as long to parse Postgres's own format. */
  selected: (table: string): RawBuilder<unknown> =>
    joined(({ name, type }) => {
      const column = sql.ref(`${table}.${name}`)
      return type === 'text' ? column : sql`to_json(${column}) AS ${sql.ref(name)}`
    }),
}

/** Converts a profile to its columns. */
export function toProfileColumns(profile: MailboxProfile): Partial<ProfileColumns> {
  return Object.fromEntries(columns.map(({ field, name }) => [name, profile[field]]))
}

/** Converts columns to a profile. Null means unknown. */
export function toProfile(row: ProfileColumns): MailboxProfile {
  return Object.fromEntries(columns.flatMap(({ field, name }) => (row[name] === null ? [] : [[field, row[name]]])))
}

/** The profile as shown by the API: everything but `meta`, which is the sender's private data. */
export type ShownProfile = {
  readonly [Field in Exclude<ProfileField, 'meta'>]: MailboxProfile[Field] extends readonly string[] | undefined
    ? readonly string[]
    : string | null
}

/** A profile for the API: an unknown text is null, an unknown list is empty. */
export function toShownProfile(row: ProfileColumns): ShownProfile {
  const shown = columns.filter(({ field }) => field !== 'meta')
  return Object.fromEntries(
    shown.map(({ field, name, type }) => [field, row[name] ?? (type === 'text' ? null : [])]),
  ) as unknown as ShownProfile
}
