import { createRoute, type z } from '@hono/zod-openapi'
import { onlyThese } from './inputs.ts'
import { Problem } from './schemas.ts'

function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

function problemOf(description: string) {
  return { description, content: { 'application/problem+json': { schema: Problem } } }
}

const problems = {
  400: problemOf('Invalid request'),
  404: problemOf('Not found'),
  503: problemOf('Redis or Postgres is unavailable'),
}

const noQuery = onlyThese({})

function responses<Answer extends z.ZodType>(answer: Answer, summary: string) {
  return { 200: json(answer, summary), ...problems }
}

function jsonBody<Body extends z.ZodType>(schema: Body) {
  return { required: true as const, content: { 'application/json': { schema } } }
}

/** A GET route. */
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
    responses: responses(answer, summary),
  })
}

/** A GET route for one resource, identified by its path. */
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
    request: { params, query: noQuery },
    responses: responses(answer, summary),
  })
}

/** A POST route that acts on the resource in its path. */
export function doingTo<const Path extends string, Params extends z.ZodObject, Answer extends z.ZodType>(
  path: Path,
  summary: string,
  params: Params,
  answer: Answer,
) {
  return createRoute({
    method: 'post',
    path,
    summary,
    request: { params, query: noQuery },
    responses: responses(answer, summary),
  })
}

/** A POST route with a JSON body. */
export function doing<const Path extends string, Body extends z.ZodType, Answer extends z.ZodType>(
  path: Path,
  summary: string,
  body: Body,
  answer: Answer,
) {
  const request = {
    query: noQuery,
    body: jsonBody(body),
  } as const
  return createRoute({ method: 'post', path, summary, request, responses: responses(answer, summary) })
}

/** A POST route with a JSON body that acts on the resource in its path. */
export function doingToWith<
  const Path extends string,
  Params extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
>(path: Path, summary: string, params: Params, body: Body, answer: Answer) {
  const request = {
    params,
    query: noQuery,
    body: jsonBody(body),
  } as const
  return createRoute({ method: 'post', path, summary, request, responses: responses(answer, summary) })
}
