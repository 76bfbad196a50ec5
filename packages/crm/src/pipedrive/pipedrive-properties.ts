import { z } from 'zod'
import type { CrmProperty, PropertyPlan } from '../crm-provider.ts'
import { toPropertyPlan } from '../to-property-plan.ts'
import { fieldOf, fieldTypes, type PersonField, type PipedriveDeps } from './person-fields.ts'
import { readAnswer, requireFound } from './read-answer.ts'

/** @throws CrmCallError */
export async function planPipedriveProperties(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { fields }: Pick<PipedriveDeps, 'fields'>,
): Promise<PropertyPlan> {
  const existing = requireFound(await fields.list(signal))
  return toPropertyPlan(
    properties,
    (property) => fieldOf(property, existing),
    (property, field) => problemOf(property, field, properties),
  )
}

/** Fields have no name but their label, so two properties with the same label would share one. */
function problemOf(
  { name, label, type }: CrmProperty,
  field: PersonField | undefined,
  properties: readonly CrmProperty[],
): string | undefined {
  const twin = properties.find((other) => other.label.trim() === label.trim())
  if (twin !== undefined && twin.name !== name)
    return `has the same label as ${twin.name}, "${label}": give it another one in the mapping`
  if (field === undefined || fieldTypes[type].includes(field.type)) return undefined
  return `its field "${field.name}" has the type ${field.type} instead of ${fieldTypes[type].join(' or ')}: rename or delete it in Pipedrive`
}

/** @throws CrmCallError */
export async function createPipedriveProperties(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { calls, fields, now }: PipedriveDeps,
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
