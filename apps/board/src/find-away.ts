import type { Database } from '@warmhook/store/database'
import { readServerState } from '@warmhook/store/read-server-state'

/** Those of the services behind the board that do not answer just now, by name. */
export async function findAway(db: Database, isRedisReady: () => boolean): Promise<readonly string[]> {
  const answers = await readServerState(db).then(
    () => true,
    () => false,
  )
  return [...(isRedisReady() ? [] : ['Redis']), ...(answers ? [] : ['Postgres'])]
}
