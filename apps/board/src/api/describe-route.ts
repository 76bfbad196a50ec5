import { createRoute, type z } from '@hono/zod-openapi'
import { Problem } from './schemas.ts'

function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

const problems = {
  400: { description: 'The request does not fit', content: { 'application/problem+json': { schema: Problem } } },
  404: { description: 'There is no such thing', content: { 'application/problem+json': { schema: Problem } } },
}

/** A route that reads. */
export function reading<const Path extends string, Query extends z.ZodObject, Answer extends z.ZodType>(
  path: Path,
  summary: string,
  query: Query,
  answer: Answer,
) {
  return createRoute({
    method: 'get',
    path,
    summary,
    request: { query },
    responses: { 200: json(answer, summary), ...problems },
  })
}

/** A route that reads one thing, named by its path. */
export function readingOne<const Path extends string, Params extends z.ZodObject, Answer extends z.ZodType>(
  path: Path,
  summary: string,
  params: Params,
  answer: Answer,
) {
  return createRoute({
    method: 'get',
    path,
    summary,
    request: { params },
    responses: { 200: json(answer, summary), ...problems },
  })
}

/** A route that does what its JSON body asks for. */
export function doing<const Path extends string, Body extends z.ZodType, Answer extends z.ZodType>(
  path: Path,
  summary: string,
  body: Body,
  answer: Answer,
) {
  const request = { body: { required: true, content: { 'application/json': { schema: body } } } } as const
  return createRoute({ method: 'post', path, summary, request, responses: { 200: json(answer, summary), ...problems } })
}
