import { createGroupCommit } from '@warmhook/batching/group-commit'
import type { RunInSandbox, SandboxResult } from './run-in-sandbox.ts'
import type { SandboxRequest } from './sandbox-messages.ts'

/** Tests whether a suspect kills its process, without risking a worker. Never throws. */
export type Sandbox = (request: SandboxRequest, limitMs: number, signal: AbortSignal) => Promise<SandboxResult>

/** Concurrent processes; each uses as much memory as a worker. */
const maxProcesses = 2

interface Trial {
  readonly run: () => Promise<void>
}

/** A crash only counts if it happens twice, in two processes: a single one can be the machine's fault. */
export function createSandbox(run: RunInSandbox): Sandbox {
  const queue = createGroupCommit<Trial>({
    commit: async (trials) => {
      for (const trial of trials) await trial.run()
    },
    sizeOf: () => 1,
    maxItems: 1,
    maxSize: 1,
    // Longer than a process may take to start and handle an event.
    timeLimitMs: 120_000,
    maxConcurrent: maxProcesses,
  })
  return async (request, limitMs, signal) => {
    let result: SandboxResult = { status: 'inconclusive', why: 'it was not run' }
    await queue.submit({
      run: async () => {
        result = await run(request, limitMs, signal)
        if (result.status === 'crashed') result = await run(request, limitMs, signal)
      },
    })
    return result
  }
}
