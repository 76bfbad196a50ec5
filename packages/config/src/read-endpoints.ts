import { defaultEndpoint, type Endpoint } from './endpoints.ts'
import { readEndpointsFile } from './endpoints-file.ts'
import { fields } from './fields.ts'
import { EnvError, parseAll, parseEnv } from './parse-env.ts'

/**
 * The endpoints of WARMHOOK_ENDPOINT_KEY and ENDPOINTS_FILE; none if neither is set.
 *
 * @param sources the names of all known senders
 * @throws EnvError listing every problem
 */
export function readEndpoints(env: NodeJS.ProcessEnv, sources: readonly string[]): readonly Endpoint[] {
  const [own, listed] = parseAll(
    () => {
      const { WARMHOOK_ENDPOINT_KEY } = fields
      const key = parseEnv({ WARMHOOK_ENDPOINT_KEY: WARMHOOK_ENDPOINT_KEY.optional() }, env).WARMHOOK_ENDPOINT_KEY
      return key === undefined ? [] : [defaultEndpoint(key)]
    },
    () => {
      const path = parseEnv({ ENDPOINTS_FILE: fields.ENDPOINTS_FILE.optional() }, env).ENDPOINTS_FILE
      return path === undefined ? [] : readEndpointsFile(path, sources)
    },
  )
  const problems = own.flatMap((endpoint) => listed.flatMap((other) => collisions(endpoint, other)))
  if (problems.length > 0) throw new EnvError(problems)
  return [...own, ...listed]
}

function collisions(own: Endpoint, listed: Endpoint): readonly string[] {
  const isSameKey = own.keyDigests.some((digest) => listed.keyDigests.includes(digest))
  const isSameOwner = own.owner === listed.owner && own.source === listed.source
  return [
    ...(isSameKey ? [`WARMHOOK_ENDPOINT_KEY is also used as a key of ${listed.owner} in ENDPOINTS_FILE`] : []),
    ...(isSameOwner && !isSameKey
      ? [
          `ENDPOINTS_FILE contains the owner ${own.owner}, which WARMHOOK_ENDPOINT_KEY also uses: move the key to the file`,
        ]
      : []),
  ]
}
