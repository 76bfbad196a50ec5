import { readFile } from 'node:fs/promises'
import { samplePayloads } from '@warmhook/schema/samples'
import { CliError } from './cli-error.ts'
import type { CliContext } from './cli-context.ts'
import { parseIngressAddress } from './env.ts'

interface SendOptions {
  readonly url?: string
  readonly key?: string
  readonly owner?: string
  readonly json?: true
}

interface Payload {
  readonly label: string
  readonly body: Uint8Array<ArrayBuffer> | string
}

interface Answer {
  readonly payload: string
  readonly status: number
  readonly id?: string
  readonly detail?: string
}

/**
 * Posts payloads in sequence and prints each answer.
 *
 * @throws CliError when the ingress can't be reached or does not accept one of them
 */
export async function runSend(context: CliContext, file: string | undefined, options: SendOptions): Promise<void> {
  const { base, key } = findTarget(context, options)
  const answers: Answer[] = []
  for (const payload of await loadPayloads(context, file)) {
    const answer = await post(base, key, payload)
    answers.push(answer)
    context.print(options.json === true ? JSON.stringify(answer) : describe(answer))
  }
  const refused = answers.filter((answer) => answer.status !== 202)
  if (refused.length === 0) return
  const advice = refused.some((answer) => answer.status === 401) ? `; ${otherKeys}` : ''
  throw new CliError(`${refused.length} of ${answers.length} were not accepted${advice}`)
}

const otherKeys =
  'pass a valid key with --key. If ENDPOINTS_FILE is set, its keys are valid and the one in DATA_DIR is not'

function findTarget({ env }: CliContext, { url, key, owner }: SendOptions) {
  const known = url === undefined || key === undefined ? parseIngressAddress(env, owner) : undefined
  const base = url ?? known?.url
  const endpointKey = key ?? known?.key
  if (base === undefined) throw new CliError('INGRESS_PORT is 0, which selects any free port: pass --url')
  if (endpointKey === undefined)
    throw new CliError(
      'No endpoint key found in plain text: pass --key, set WARMHOOK_ENDPOINT_KEY or ENDPOINTS_FILE, or run this command in the directory that contains the DATA_DIR of `npm start`',
    )
  return { base: base.replace(/\/+$/, ''), key: endpointKey }
}

async function loadPayloads({ readInput }: CliContext, file: string | undefined): Promise<readonly Payload[]> {
  if (file === undefined) return Object.entries(samplePayloads).map(([label, body]) => ({ label, body }))
  if (file === '-') return [{ label: 'standard input', body: await readInput() }]
  try {
    return [{ label: file, body: await readFile(file) }]
  } catch (cause) {
    throw new CliError(`Cannot read ${file}`, { cause })
  }
}

async function post(base: string, key: string, { label, body }: Payload): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(`${base}/webhooks/mailivery/${encodeURIComponent(key)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(10_000),
    })
  } catch (cause) {
    throw new CliError(`No answer from ${base}: start Warmhook (npm start), or pass its URL (--url)`, {
      cause,
    })
  }
  return { payload: label, status: response.status, ...toDetails(await response.text()) }
}

function toDetails(text: string): Pick<Answer, 'id' | 'detail'> {
  try {
    const { id, detail } = JSON.parse(text) as { id?: unknown; detail?: unknown }
    return { ...(typeof id === 'string' ? { id } : {}), ...(typeof detail === 'string' ? { detail } : {}) }
  } catch {
    return { detail: text.slice(0, 200) }
  }
}

function describe({ payload, status, id, detail }: Answer): string {
  return `${payload.padEnd(32)} ${status} ${id ?? detail ?? ''}`
}
