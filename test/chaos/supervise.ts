import { setTimeout as delay } from 'node:timers/promises'
import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'

/** A process that is restarted whenever it exits, as by systemd or Docker. */
export interface Supervised extends AsyncDisposable {
  /** Signals the current process, or the next one if none is running. */
  signal(signal: NodeJS.Signals): Promise<void>
  /** Stops the process; the next one gets these additional variables. */
  replace(extraEnv: Readonly<Record<string, string>>): Promise<void>
}

export interface SuperviseOptions {
  readonly entry: string
  readonly env: Readonly<Record<string, string>>
  /** Called on every unexpected exit, with the last error that the process logged. */
  readonly onEnd: (how: string) => void
}

/** As long as Docker waits before the first restart; Docker waits longer before further ones. */
const restartDelayMs = 500

export function supervise({ entry, env, onEnd }: SuperviseOptions): Supervised {
  let extra: Readonly<Record<string, string>> = {}
  const stop = new AbortController()
  let isExpected = false
  let current = start()

  async function start(): Promise<SpawnedApp> {
    isExpected = false
    const app = await spawnApp(entry, { ...env, ...extra })
    // In case the run exits without disposing.
    const end = (): void => app.kill('SIGKILL')
    process.once('exit', end)
    void app.exited.then(() => process.off('exit', end))
    return app
  }

  async function keepRunning(): Promise<void> {
    while (!stop.signal.aborted) {
      const app = await current
      const { code, signal } = await app.exited
      if (stop.signal.aborted) return
      if (!isExpected) onEnd(`${signal ?? `code ${code}`}, ${lastError(app.output())}`)
      await delay(restartDelayMs)
      current = start()
    }
  }

  async function send(signal: NodeJS.Signals): Promise<void> {
    const app = await current
    if (signal === 'SIGKILL' || signal === 'SIGTERM') isExpected = true
    app.kill(signal)
  }

  const running = keepRunning()
  return {
    signal: send,
    async replace(extraEnv) {
      extra = extraEnv
      const app = await current
      await send('SIGTERM')
      await app.exited
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await (await current)[Symbol.asyncDispose]()
      await running
    },
  }
}

function lastError(output: string): string {
  return (
    output
      .match(/\b\w*Error(?: \[\w+\])?: .*/g)
      ?.at(-1)
      ?.slice(0, 200) ?? 'without an error'
  )
}
