import type { CrmPlan } from './crm-answers.ts'

/** Whether contacts can be written as they are. */
export function isComplete({ missing, conflicts }: CrmPlan): boolean {
  return missing.length === 0 && conflicts.length === 0
}

/** The lines that show a plan to a person. */
export function describePlan({ provider, properties, missing, conflicts }: CrmPlan): readonly string[] {
  const width = Math.max(0, ...missing.map(({ name }) => name.length))
  return [
    ...(missing.length === 0
      ? [properties === 0 ? `${provider} needs no properties` : `${provider} has all ${properties} properties`]
      : [`${provider} lacks ${missing.length} of ${properties} properties:`]),
    ...missing.map(
      ({ name, type, label, description }) => `  + ${name.padEnd(width)}  ${type.padEnd(8)}  ${label}: ${description}`,
    ),
    ...conflicts.map(({ name, problem }) => `  ! ${name} ${problem}`),
  ]
}
