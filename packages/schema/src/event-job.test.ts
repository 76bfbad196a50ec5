import { expect, it } from 'vitest'
import { newEventJob, readEventJob, writeEventJob } from './event-job.ts'
import { toEventRef } from './event-ref.ts'

const event = toEventRef({ id: '019aa5d0-1234-7000-8000-000000000001', owner: 'acme', campaignId: 7 })

it('writes nothing that is not known yet: a job that was not tried takes the fewest bytes', () => {
  const data = writeEventJob(newEventJob([event]))
  expect(Object.keys(data)).toEqual(['v', 'events'])
  expect(readEventJob(data)).toEqual({ status: 'read', job: newEventJob([event]) })
})

it('keeps attempts, times, dead letters and the replay', () => {
  const progress = new Map([[event.id, { attempts: 2, notBefore: 5 }]])
  const job = { events: [event], dead: [{ ...event, campaignId: 8 }], progress, replayId: 'a replay' }
  expect(readEventJob(JSON.parse(JSON.stringify(writeEventJob(job))))).toEqual({ status: 'read', job })
})
