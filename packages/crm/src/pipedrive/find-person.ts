import { z } from 'zod'
import { toAddresses } from '../pick-contacts.ts'
import type { PipedriveCalls } from './pipedrive-calls.ts'
import { found, readAnswer, type Found } from './read-answer.ts'

export interface FindPersonDeps {
  readonly calls: Pick<PipedriveCalls, 'search'>
  readonly now: () => number
}

const SearchAnswer = z.object({ success: z.literal(true), data: z.object({ items: z.array(z.unknown()) }) })
const Item = z.object({ item: z.object({ id: z.number().int(), emails: z.array(z.string()) }) })

/**
 * Finds the id of the person with an address; null if there is none. Pipedrive's addresses are not unique: of several
 * persons it is the oldest, so that all writes reach the same one. `goneId` is not considered, as the search can lag.
 */
export async function findPerson(
  email: string,
  signal: AbortSignal,
  { calls, now }: FindPersonDeps,
  goneId: string | null = null,
): Promise<Found<string | null>> {
  const answer = readAnswer(await calls.search(email, signal), SearchAnswer, now())
  if (!answer.isFound) return answer
  const ids = answer.value.data.items.flatMap((each) => {
    const item = Item.safeParse(each).data?.item
    return item !== undefined && toAddresses(item.emails).includes(email) ? [item.id] : []
  })
  const [oldest] = ids.filter((id) => String(id) !== goneId).toSorted((one, other) => one - other)
  return found(oldest === undefined ? null : String(oldest))
}
