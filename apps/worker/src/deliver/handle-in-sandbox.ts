import type { ActiveHandler } from '@warmhook/handlers/registry'
import type { GivenEvent, HandleEvents } from '@warmhook/handlers/handler'
import { discard, done, hold, retry, type Outcome } from '@warmhook/queue/outcome'
import type { Sandbox } from '../sandbox/create-sandbox.ts'
import type { SandboxOutcome } from '../sandbox/run-in-sandbox.ts'

/** Time for a process to start. */
const startUpMs = 20_000

/** Handles each event in a separate process. An event that crashes its process twice becomes a dead letter. */
export function handleInSandbox({ name, policy }: ActiveHandler, sandbox: Sandbox): HandleEvents {
  const { timeoutMs } = policy
  return async (events, signal) => {
    const handle = async (event: GivenEvent) => [event.id, await handleOne(event)] as const
    const handleOne = async (event: GivenEvent): Promise<Outcome> => {
      const request = { kind: 'event' as const, handler: name, event, timeoutMs }
      const result = await sandbox(request, timeoutMs + startUpMs, signal)
      switch (result.status) {
        case 'crashed':
          return discard(`the process that handled it ended with ${result.how}, twice`)
        case 'inconclusive':
          return hold(`it could not be tried in a sandbox: ${result.why}`)
        case 'answered':
          return toOutcome(result.outcome)
      }
    }
    return new Map(await Promise.all(events.map(handle)))
  }
}

/** A parsed message has undefined fields where an outcome omits them. */
function toOutcome(outcome: SandboxOutcome): Outcome {
  switch (outcome.status) {
    case 'done':
      return done(outcome.note)
    case 'retry':
      return retry(outcome.reason, outcome.notBefore)
    case 'hold':
      return hold(outcome.reason, outcome.notBefore)
    case 'discard':
      return discard(outcome.reason)
  }
}
