import { z } from 'zod'
import { inPackedOrder, packRefs, toEventRef, unpackRefs, type EventRef } from './event-ref.ts'

/** A job's progress with one event that is to be retried. */
export interface EventProgress {
  /** Attempts that have failed. */
  readonly attempts: number
  /** Milliseconds since the epoch. */
  readonly notBefore: number
}

/** A handler's job. */
export interface EventJob {
  /** The events that this job still has to handle. */
  readonly events: readonly EventRef[]
  /** Events that failed for good while others of the job are still being retried. */
  readonly dead: readonly EventRef[]
  /** By event id; an event without an entry has not been tried. */
  readonly progress: ReadonlyMap<string, EventProgress>
  /** Set when a person requested another run: outcomes of earlier runs then do not count. */
  readonly replayId: string | undefined
}

export type EventJobReading =
  | { readonly status: 'read'; readonly job: EventJob }
  /** Written by a later version, whose workers can read it. */
  | { readonly status: 'newer'; readonly version: number }
  | { readonly status: 'unreadable'; readonly issue: string }

const version = 2

/**
 * A job's data in Redis: about thirty bytes per event. Ids are base64url, grouped by owner, each followed by its campaign:
 * `{"v":2,"events":[["acme","AZrC…:216 AZrD…:217"]]}`.
 */
export type EventJobData = Readonly<z.infer<typeof EventJobData>>

const Refs = z.array(z.tuple([z.string(), z.string()]))
// Later versions may add keys: z.object() ignores unknown ones.
const EventJobData = z.object({
  v: z.literal(version),
  events: Refs,
  dead: Refs.optional(),
  replayId: z.string().optional(),
  /** Attempts and the earliest time of the next one, in the order of `events`. */
  progress: z.array(z.tuple([z.number(), z.number()])).optional(),
})

/** Before version 2, jobs contained whole events. */
const WholeEvents = z.object({
  events: z.array(z.object({ id: z.uuid(), owner: z.string(), campaignId: z.int() })),
  dead: z.array(z.object({ id: z.uuid(), owner: z.string(), campaignId: z.int() })).default([]),
  replayId: z.string().optional(),
})

/** A job of which no event has been tried. */
export function newEventJob(events: readonly EventRef[], replayId?: string): EventJob {
  return { events, dead: [], progress: new Map(), replayId }
}

/** Converts a job to the format stored in Redis. */
export function writeEventJob({ events, dead, progress, replayId }: EventJob): EventJobData {
  return {
    v: version,
    events: packRefs(events),
    ...(dead.length === 0 ? {} : { dead: packRefs(dead) }),
    ...(replayId === undefined ? {} : { replayId }),
    ...(progress.size === 0 ? {} : { progress: inPackedOrder(events).map(({ id }) => toPair(progress.get(id))) }),
  }
}

function toPair({ attempts, notBefore }: EventProgress = untried): [number, number] {
  return [attempts, notBefore]
}

const untried: EventProgress = { attempts: 0, notBefore: 0 }

/** Reads a job's data, in this format or the previous one. Never throws. */
export function readEventJob(data: unknown): EventJobReading {
  const found = z.object({ v: z.number().optional() }).safeParse(data)
  if (!found.success) return { status: 'unreadable', issue: 'not an object with a version' }
  const { v } = found.data
  if (v !== undefined && v > version) return { status: 'newer', version: v }
  try {
    return { status: 'read', job: v === undefined ? fromWholeEvents(data) : fromReferences(data) }
  } catch (error) {
    return { status: 'unreadable', issue: error instanceof z.ZodError ? z.prettifyError(error) : String(error) }
  }
}

function fromWholeEvents(data: unknown): EventJob {
  const { events, dead, replayId } = WholeEvents.parse(data)
  return { events: events.map(toEventRef), dead: dead.map(toEventRef), progress: new Map(), replayId }
}

function fromReferences(data: unknown): EventJob {
  const { events, dead = [], replayId, progress = [] } = EventJobData.parse(data)
  const refs = unpackRefs(events)
  return {
    events: refs,
    dead: unpackRefs(dead),
    replayId,
    progress: new Map(
      progress.flatMap(([attempts, notBefore], index) => {
        const ref = refs[index]
        return ref === undefined || attempts + notBefore === 0 ? [] : [[ref.id, { attempts, notBefore }] as const]
      }),
    ),
  }
}
