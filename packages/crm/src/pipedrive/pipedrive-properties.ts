import { z } from 'zod'
import type { CrmProperty, PropertyPlan } from '../crm-provider.ts'
import { fieldOf, fieldTypes, type PersonField, type PersonFields } from './person-fields.ts'
import type { PipedriveCalls } from './pipedrive-calls.ts'
import { readAnswer, requireFound } from './read-answer.ts'

export interface PropertiesDeps {
  readonly calls: PipedriveCalls
  readonly fields: PersonFields
  readonly now: () => number
}

/** @throws CrmCallError */
export async function planPipedriveProperties(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { fields }: Pick<PropertiesDeps, 'fields'>,
): Promise<PropertyPlan> {
  const existing = requireFound(await fields.list(signal))
  return {
    missing: properties.filter((property) => fieldOf(property, existing) === undefined),
    conflicts: properties.flatMap((property) => {
      const problem = problemOf(property, properties, existing)
      return problem === undefined ? [] : [{ name: property.name, problem }]
    }),
  }
}

/** Fields have no name but their label, so two properties with the same label would share one. */
function problemOf(
  property: CrmProperty,
  properties: readonly CrmProperty[],
  existing: readonly PersonField[],
): string | undefined {
  const { name, label, type } = property
  const twin = properties.find((other) => other.label.trim() === label.trim())
  if (twin !== undefined && twin.name !== name)
    return `has the same label as ${twin.name}, "${label}": give it another one in the mapping`
  const field = fieldOf(property, existing)
  if (field === undefined || fieldTypes[type].includes(field.type)) return undefined
  return `its field "${field.name}" has the type ${field.type} instead of ${fieldTypes[type].join(' or ')}: rename or delete it in Pipedrive`
}

/** @throws CrmCallError */
export async function createPipedriveProperties(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { calls, fields, now }: PropertiesDeps,
): Promise<void> {
  if (properties.length === 0) return
  // Pipedrive accepts a second field with the same name.
  const existing = requireFound(await fields.list(signal))
  const missing = properties.filter((property) => fieldOf(property, existing) === undefined)
  for (const { label, type } of new Map(missing.map((property) => [property.label.trim(), property])).values()) {
    const answer = await calls.createField({ field_name: label.trim(), field_type: fieldTypes[type][0] }, signal)
    requireFound(readAnswer(answer, Created, now()))
  }
}

const Created = z.object({ success: z.literal(true), data: z.object({ field_code: z.string() }) })
