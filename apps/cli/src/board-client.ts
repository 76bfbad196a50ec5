import { CliError } from './cli-error.ts'

/** What the board was asked for will be possible later. */
export class BusyError extends CliError {}

/** How to reach a board. */
export interface BoardAddress {
  /** Without a trailing slash. */
  readonly url: string
  readonly user: string
  readonly password: string
}

/** Calls the board's API. */
export interface BoardClient {
  /** @throws CliError with the board's own explanation, or if it does not answer; BusyError if it tells to wait */
  readonly get: <Answer>(path: string) => Promise<Answer>
  /** @throws CliError with the board's own explanation, or if it does not answer; BusyError if it tells to wait */
  readonly post: <Answer>(path: string, body?: object) => Promise<Answer>
}

const requestMs = 60_000

export function createBoardClient({ url, user, password }: BoardAddress): BoardClient {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

  async function call<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const headers = { authorization, 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(requestMs)
    const payload = body === undefined ? null : JSON.stringify(body)
    let response: Response
    try {
      response = await fetch(`${url}/api${path}`, { method, headers, body: payload, signal })
    } catch (cause) {
      throw new CliError(
        `No answer from the board at ${url}: start it (npm start, or npm run board), or set WARMHOOK_URL`,
        {
          cause,
        },
      )
    }
    if (response.ok) return (await response.json()) as Answer
    if (response.status === 401)
      throw new CliError(`The board at ${url} rejects the password: set BOARD_USER and BOARD_PASSWORD`)
    throw await readProblem(response)
  }

  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
  }
}

async function readProblem(response: Response): Promise<CliError> {
  const text = await response.text()
  try {
    const { detail, waitMs } = JSON.parse(text) as { detail?: unknown; waitMs?: unknown }
    if (typeof detail === 'string') return typeof waitMs === 'number' ? new BusyError(detail) : new CliError(detail)
  } catch {
    // Not from the board: a proxy, perhaps.
  }
  return new CliError(`the board answered ${response.status}: ${text.slice(0, 200)}`)
}
