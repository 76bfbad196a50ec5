import { z } from '@hono/zod-openapi'

/** An object without unknown keys: a misspelt filter must not select everything. */
export function onlyThese<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape)
  const names = known.length === 0 ? 'none are allowed' : `allowed: ${known.join(', ')}`
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' && Array.isArray(issue['keys'])
        ? `Unknown: ${issue['keys'].map(String).join(', ')}; ${names}`
        : undefined,
  })
}

/** A search term. Postgres rejects text that contains NUL. */
export const SearchText = z.string().refine((text) => !text.includes('\0'), 'must not contain NUL')

/** A whole number in a path or query. */
export function wholeNumber(limits: z.ZodInt) {
  return z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(limits)
    .openapi({ type: 'integer', minimum: limits.minValue ?? 0, maximum: limits.maxValue ?? Number.MAX_SAFE_INTEGER })
}

const example = '2026-11-26T10:00:00Z, 2026-11-26T12:00:00+02:00 or 2026-11-26 (midnight UTC)'
const clock = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)$/i

/** A time with a time zone, or a date (midnight UTC), converted to ISO 8601 in UTC. */
export const Time = z
  .string()
  .transform((text, context) => {
    const iso = toIsoTime(text)
    if (iso !== undefined) return iso
    context.addIssue({ code: 'custom', message: `must be a time such as ${example}` })
    return z.NEVER
  })
  .openapi({ type: 'string', format: 'date-time', description: `A time such as ${example}` })

function toIsoTime(text: string): string | undefined {
  const [day = '', ...rest] = text.split(/[Tt]/)
  if (rest.length > 1 || !z.iso.date().safeParse(day).success) return undefined
  if (rest.length === 0) return `${day}T00:00:00.000Z`
  // An unescaped plus sign in a query arrives as a space.
  const time = (rest[0] ?? '').replace(' ', '+')
  if (!clock.test(time)) return undefined
  return new Date(`${day}T${time.toUpperCase().replace(/([+-]\d\d)(\d\d)$/, '$1:$2')}`).toISOString()
}

export const PageQuery = {
  limit: wholeNumber(z.int().min(1).max(200)).default(50),
  cursor: z.string().optional(),
}

/** The path of a mailbox. */
export const MailboxParams = z.object({ owner: SearchText, campaignId: wholeNumber(z.int()) })
