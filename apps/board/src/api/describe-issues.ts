import type { z } from 'zod'

/** What is invalid, each with its path. */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
): readonly { readonly path: readonly string[]; readonly message: string }[] {
  return issues.map(({ path, message }) => {
    const place = path.map(String)
    return { path: place, message: place.length === 0 ? message : `${place.join('.')}: ${message}` }
  })
}
