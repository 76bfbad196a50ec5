import { z } from 'zod'
import { isSuccess } from '../crm-client.ts'
import type { CrmProperty, PropertyPlan } from '../crm-provider.ts'
import { parseBody } from '../parse-body.ts'
import { toCallError } from '../to-call-error.ts'
import { attributesPerPage, type AttioCalls } from './attio-calls.ts'
import { classifyAttioAnswer } from './classify-attio-answer.ts'

const Attribute = z.object({
  api_slug: z.string(),
  type: z.string(),
  is_archived: z.boolean().catch(false),
  is_multiselect: z.boolean().catch(false),
  is_writable: z.boolean().catch(true),
})
const Attributes = z.object({ data: z.array(z.unknown()) })

/** More than an object can have. */
const maxPages = 20

/** A choice is a text: an unknown option of a select is an error. */
const types: Readonly<Record<CrmProperty['type'], string>> = {
  text: 'text',
  choice: 'text',
  datetime: 'timestamp',
  number: 'number',
}

/** @throws CrmCallError */
export async function planAttributes(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  calls: AttioCalls,
): Promise<PropertyPlan> {
  const existing = new Map((await listAttributes(signal, calls)).map((each) => [each.api_slug, each]))
  return {
    missing: properties.filter(({ name }) => !existing.has(name)),
    conflicts: properties.flatMap(({ name, type }) => {
      const found = existing.get(name)
      const problem = found && problemOf(types[type], found)
      return problem === undefined ? [] : [{ name, problem }]
    }),
  }
}

async function listAttributes(signal: AbortSignal, calls: AttioCalls): Promise<readonly z.infer<typeof Attribute>[]> {
  const all: z.infer<typeof Attribute>[] = []
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await calls.listAttributes(page * attributesPerPage, signal)
    const body = isSuccess(answer) ? Attributes.safeParse(parseBody(answer.body)).data : undefined
    if (body === undefined) throw toCallError(classifyAttioAnswer(answer, Date.now()))
    all.push(...body.data.flatMap((each) => Attribute.safeParse(each).data ?? []))
    if (body.data.length < attributesPerPage) break
  }
  return all
}

function problemOf(type: string, found: z.infer<typeof Attribute>): string | undefined {
  if (found.is_archived) return 'is archived: restore it in Attio'
  if (found.type !== type) return `has the type ${found.type} instead of ${type}: rename or archive it in Attio`
  if (found.is_multiselect) return 'takes several values: rename or archive it in Attio'
  return found.is_writable ? undefined : 'is read-only: rename or archive it in Attio'
}

/** @throws CrmCallError */
export async function createAttributes(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  calls: AttioCalls,
): Promise<void> {
  for (const { name, label, description, type } of properties) {
    const attribute = { title: label, description, api_slug: name, type: types[type], config: {} }
    const flags = { is_required: false, is_unique: false, is_multiselect: false }
    const answer = await calls.createAttribute({ ...attribute, ...flags }, signal)
    // 409 slug_conflict: it exists by now.
    if (answer.status !== 409 && !isSuccess(answer)) throw toCallError(classifyAttioAnswer(answer, Date.now()))
  }
}
