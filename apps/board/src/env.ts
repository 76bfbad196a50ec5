import { fields } from '@warmhook/config/fields'
import { parseAll, parseEnv } from '@warmhook/config/parse-env'
import { readCrmSettings } from '@warmhook/crm/accounts/read-crm-settings'
import { readMailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import { sources } from '@warmhook/schema/sources'
import type { BoardSettings } from './start-board.ts'

export interface BoardProcessSettings extends BoardSettings {
  readonly databaseUrl: string
  readonly logLevel: string
}

/**
 * The settings of a standalone board process.
 *
 * @throws EnvError
 */
export function parseBoardEnv(env: NodeJS.ProcessEnv): BoardProcessSettings {
  const { REDIS_URL, DATABASE_URL, HOST, BOARD_PORT, BOARD_USER, BOARD_PASSWORD, QUEUE_PREFIX, LOG_LEVEL } = fields
  const { BOARD_BASE_PATH } = fields
  const variables = { REDIS_URL, DATABASE_URL, HOST, BOARD_PORT, BOARD_USER, BOARD_PASSWORD, QUEUE_PREFIX, LOG_LEVEL }
  const [values, crm, mailivery] = parseAll(
    () => parseEnv({ ...variables, BOARD_BASE_PATH }, env),
    () => readCrmSettings(env, [...sources.keys()]),
    () => readMailiveryAccounts(env, [...sources.keys()]),
  )
  return {
    redisUrl: values.REDIS_URL,
    databaseUrl: values.DATABASE_URL,
    host: values.HOST,
    port: values.BOARD_PORT,
    user: values.BOARD_USER,
    password: values.BOARD_PASSWORD,
    basePath: values.BOARD_BASE_PATH,
    prefix: values.QUEUE_PREFIX,
    crm,
    mailivery,
    logLevel: values.LOG_LEVEL,
  }
}
