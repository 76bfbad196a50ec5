import type { z } from 'zod'
import { isSuccess, type CrmAnswer } from './crm-client.ts'
import { parseBody } from './parse-body.ts'

/** The body of a successful answer; undefined if the call failed or the body is not what the vendor sends. */
export function readSuccess<Schema extends z.ZodType>(answer: CrmAnswer, schema: Schema): z.output<Schema> | undefined {
  return isSuccess(answer) ? schema.safeParse(parseBody(answer.body)).data : undefined
}
