import type { CrmProperty, PropertyPlan } from './crm-provider.ts'

/**
 * The plan for properties. `find` returns what the account has for a property, and `problemOf` what is wrong with that,
 * as the end of a sentence that starts with the property's name.
 */
export function toPropertyPlan<Found>(
  properties: readonly CrmProperty[],
  find: (property: CrmProperty) => Found | undefined,
  problemOf: (property: CrmProperty, found: Found | undefined) => string | undefined,
): PropertyPlan {
  return {
    missing: properties.filter((property) => find(property) === undefined),
    conflicts: properties.flatMap((property) => {
      const problem = problemOf(property, find(property))
      return problem === undefined ? [] : [{ name: property.name, problem }]
    }),
  }
}
