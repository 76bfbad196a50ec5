import { z } from 'zod'
import { isSuccess, type CrmAnswer } from '../crm-client.ts'
import type { CrmProperty, PropertyPlan } from '../crm-provider.ts'
import { readSuccess } from '../read-success.ts'
import { toCallError } from '../to-call-error.ts'
import { toPropertyPlan } from '../to-property-plan.ts'
import { classifyAnswer } from './classify-answer.ts'
import type { HubspotDeps } from './hubspot-calls.ts'

const group = { name: 'mailivery', label: 'Mailivery', displayOrder: -1 }

const Property = z.object({
  name: z.string(),
  type: z.string().catch(''),
  options: z.array(z.object({ value: z.string() })).catch([]),
  modificationMetadata: z.object({ readOnlyValue: z.boolean().catch(false) }).catch({ readOnlyValue: false }),
})
const Properties = z.object({ results: z.array(z.unknown()) })

const types: Readonly<Record<CrmProperty['type'], readonly string[]>> = {
  text: ['string'],
  choice: ['enumeration', 'string'],
  datetime: ['datetime'],
  number: ['number', 'string'],
}

/** @throws CrmCallError */
export async function planHubspotProperties(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { calls, now }: HubspotDeps,
): Promise<PropertyPlan> {
  const answer = await calls.listProperties(signal)
  const body = readSuccess(answer, Properties)
  if (body === undefined) throw toCallError(classifyAnswer(answer, now()))
  const existing = new Map(
    body.results.flatMap((each) => Property.safeParse(each).data ?? []).map((each) => [each.name, each]),
  )
  return toPropertyPlan(
    properties,
    ({ name }) => existing.get(name),
    (wanted, found) => found && problemOf(wanted, found),
  )
}

function problemOf(wanted: CrmProperty, found: z.infer<typeof Property>): string | undefined {
  const accepted = types[wanted.type]
  if (!accepted.includes(found.type))
    return `has the type ${found.type || 'unknown'} instead of ${accepted.join(' or ')}: rename or delete it in HubSpot`
  if (found.modificationMetadata.readOnlyValue) return 'is read-only: rename or delete it in HubSpot'
  const options = new Set(found.options.map(({ value }) => value))
  const absent = found.type === 'enumeration' ? wanted.options.filter((option) => !options.has(option)) : []
  return absent.length === 0 ? undefined : `lacks the options ${absent.join(', ')}: add them in HubSpot`
}

/** @throws CrmCallError */
export async function createHubspotProperties(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { calls, now }: HubspotDeps,
): Promise<void> {
  /** A group or property that exists already is what was wanted. */
  const requireDone = (answer: CrmAnswer): void => {
    if (answer.status !== 409 && !isSuccess(answer)) throw toCallError(classifyAnswer(answer, now()))
  }
  if (properties.length === 0) return
  requireDone(await calls.createGroup(group, signal))
  const answer = await calls.createProperties(properties.map(toInput), signal)
  if (answer.status !== 409) return requireDone(answer)
  // One of them exists by now, and HubSpot created none.
  for (const property of properties) requireDone(await calls.createProperties([toInput(property)], signal))
}

function toInput({ name, label, description, type, options }: CrmProperty) {
  const about = { name, label, description, groupName: group.name }
  switch (type) {
    case 'choice':
      return {
        ...about,
        type: 'enumeration',
        fieldType: 'select',
        options: options.map((value, displayOrder) => ({ label: value, value, displayOrder, hidden: false })),
      }
    case 'datetime':
      return { ...about, type: 'datetime', fieldType: 'date' }
    case 'number':
      return { ...about, type: 'number', fieldType: 'number' }
    case 'text':
      return { ...about, type: 'string', fieldType: 'text' }
  }
}
