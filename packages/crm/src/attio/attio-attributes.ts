import { z } from 'zod'
import type { CrmProperty, PropertyPlan } from '../crm-provider.ts'
import { toCallError } from '../to-call-error.ts'
import { toPropertyPlan } from '../to-property-plan.ts'
import type { AttioDeps } from './attio-calls.ts'
import { classifyAnswer } from './classify-answer.ts'
import { readProblem } from './read-problem.ts'
import { readSuccess } from '../read-success.ts'

/** Text, not select, for a choice: Attio rejects a person if a select attribute lacks the option. */
const types: Readonly<Record<CrmProperty['type'], string>> = {
  text: 'text',
  choice: 'text',
  datetime: 'timestamp',
  number: 'number',
}

const flag = z.boolean().catch(false)
const Attribute = z.object({
  api_slug: z.string(),
  type: z.string().catch('unknown'),
  is_archived: flag,
  is_multiselect: flag,
  is_unique: flag,
  is_required: flag,
  is_writable: z.boolean().catch(true),
})
const Attributes = z.object({ data: z.array(Attribute) })
type Attribute = z.infer<typeof Attribute>

/** @throws CrmCallError */
export async function planAttioAttributes(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  deps: AttioDeps,
): Promise<PropertyPlan> {
  const existing = await listAttributes(signal, deps)
  return toPropertyPlan(
    properties,
    ({ name }) => existing.get(name),
    ({ type }, found) => found && problemOf(types[type], found),
  )
}

/** More than people usually have. */
const pageLength = 500

async function listAttributes(signal: AbortSignal, { calls, now }: AttioDeps): Promise<ReadonlyMap<string, Attribute>> {
  const all = new Map<string, Attribute>()
  let offset = 0
  let before: number
  do {
    before = all.size
    const answer = await calls.listAttributes({ limit: pageLength, offset }, signal)
    const page = readSuccess(answer, Attributes)
    if (page === undefined) throw toCallError(classifyAnswer(answer, now()))
    for (const each of page.data) all.set(each.api_slug, each)
    offset += page.data.length
    // Attio may return fewer than it was asked for, so only a page with nothing new is the last one.
  } while (all.size > before)
  return all
}

function problemOf(type: string, found: Attribute): string | undefined {
  if (found.is_archived) return 'is archived: restore it in Attio'
  if (found.type !== type)
    return `has the type ${found.type} instead of ${type}: use another property name, or change it in Attio`
  if (found.is_multiselect) return 'allows several values: use another property name, or change it in Attio'
  if (found.is_unique) return 'must be unique, but contacts can share a value: change it in Attio'
  if (found.is_required) return 'is required, but can be empty: change it in Attio'
  return found.is_writable ? undefined : 'is read-only: use another property name'
}

/** @throws CrmCallError */
export async function createAttioAttributes(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { calls, now }: AttioDeps,
): Promise<void> {
  for (const property of properties) {
    const answer = await calls.createAttribute(toInput(property), signal)
    if (readSuccess(answer, z.object({ data: Attribute })) !== undefined) continue
    // Someone else has created it since.
    const isThere = answer.status === 409 && readProblem(answer.body).codes.has('slug_conflict')
    if (!isThere) throw toCallError(classifyAnswer(answer, now()))
  }
}

function toInput({ name, label, description, type }: CrmProperty) {
  const rules = { is_required: false, is_unique: false, is_multiselect: false, config: {} }
  return { title: label, description, api_slug: name, type: types[type], ...rules }
}
