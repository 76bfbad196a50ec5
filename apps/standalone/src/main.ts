import { stopLimits } from '@warmhook/handlers/stop-limits'
import { runUntilSignal } from '@warmhook/lifecycle/run-until-signal'
import { createProcessLogger, reportFatal } from '@warmhook/telemetry/create-process-logger'
import { banner } from './banner.ts'
import { parseStandaloneEnv } from './env.ts'
import { printFailure } from './print-failure.ts'
import { startStandalone } from './start-standalone.ts'

// Standard output is for people. The log goes to standard error; on a terminal, failures are printed there as text.
const log = createProcessLogger('standalone', 'stderr')
const onError = process.stderr.isTTY ? printFailure : reportFatal(log)

// The ingress stops before the worker and the private Redis after it; each takes 10 s at most.
await runUntilSignal({ deadlineMs: stopLimits.processMs + 20_000, onError }, async (giveUp) => {
  const settings = parseStandaloneEnv(process.env)
  log.level = settings.logLevel
  const running = await startStandalone(settings, { env: process.env, log, giveUp })
  process.stdout.write(banner(settings, running))
  void running.crmSetup.then((setup) => setup === undefined || process.stdout.write(`\n  ${setup}\n`))
  return running
})
