import { z } from 'zod'
import { parseBody } from '../parse-body.ts'

const text = z.string().optional().catch(undefined)
const Problem = z.object({ message: text, error: text, detail: text, title: text })

/** What a body says about a failure; empty if nothing. An HTML page says no more than the status does. */
export function readProblem(body: string): string {
  const parsed = parseBody(body)
  if (typeof parsed === 'string') return parsed.trimStart().startsWith('<') ? '' : parsed.trim()
  const { message, error, detail, title } = Problem.safeParse(parsed).data ?? {}
  return message ?? error ?? detail ?? title ?? ''
}
