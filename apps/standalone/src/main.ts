import { runUntilSignal } from '@warmhook/lifecycle/run-until-signal'
import { createLogger } from '@warmhook/telemetry/logger'
import { banner } from './banner.ts'
import { parseStandaloneEnv } from './env.ts'
import { startStandalone } from './start-standalone.ts'

await runUntilSignal({ deadlineMs: 40_000 }, async (giveUp) => {
  const settings = parseStandaloneEnv(process.env)
  const running = await startStandalone(settings, {
    env: process.env,
    log: createLogger('standalone', settings.logLevel),
    giveUp,
  })
  process.stdout.write(banner(settings, running))
  return running
})
