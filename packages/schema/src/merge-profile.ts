import { isEmailAddress } from './email-address.ts'
import { profileFields, type MailboxProfile, type ProfileField } from './mailbox-event.ts'

const fields = profileFields.map(({ name }) => name)

/**
 * Updates a mailbox's profile from an event. Fields that the event does not contain are kept, blank text is ignored,
 * and an invalid address never replaces a valid one; it is shown only if no valid address is known.
 */
export function mergeProfile(known: MailboxProfile, said: MailboxProfile): MailboxProfile {
  const merged: Record<string, unknown> = { ...known }
  for (const field of fields) {
    const value = said[field]
    if (value === undefined || value === known[field]) continue
    if (weightOf(field, value) >= weightOf(field, known[field])) merged[field] = value
  }
  return merged
}

/**
 * The fields of a merged profile that may come from `ignored` events: their value was known before and appears in such
 * an event, but in no event that counts.
 */
export function doubtfulFields(
  merged: MailboxProfile,
  counted: MailboxProfile,
  ignored: readonly MailboxProfile[],
): readonly ProfileField[] {
  return fields.filter(
    (field) =>
      merged[field] !== undefined &&
      !isSameValue(merged[field], counted[field]) &&
      ignored.some((profile) => isSameValue(profile[field], merged[field])),
  )
}

/** Without these fields. */
export function omitFields(profile: MailboxProfile, omitted: readonly ProfileField[]): MailboxProfile {
  return Object.fromEntries(Object.entries(profile).filter(([field]) => !omitted.some((name) => name === field)))
}

/** A value is replaced by one of equal or higher weight. */
function weightOf(field: ProfileField, value: MailboxProfile[ProfileField]): number {
  if (value === undefined) return 1
  if (typeof value !== 'string') return 2
  if (value.trim() === '') return 0
  return field === 'email' && isEmailAddress(value) ? 3 : 2
}

/** Whether two values of a profile field are equal. */
export function isSameValue(one: MailboxProfile[ProfileField], other: MailboxProfile[ProfileField]): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other
  return one.length === other.length && one.every((tag, index) => tag === other[index])
}
