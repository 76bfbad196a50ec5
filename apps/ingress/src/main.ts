import { runUntilSignal } from '@warmhook/lifecycle/run-until-signal'
import { createLogger } from '@warmhook/telemetry/logger'
import { warnOfBlockedLoop } from '@warmhook/telemetry/watch-event-loop'
import { parseIngressEnv } from './env.ts'
import { startIngress } from './start-ingress.ts'

await runUntilSignal({ deadlineMs: 25_000 }, () => {
  const settings = parseIngressEnv(process.env)
  const log = createLogger('ingress', settings.logLevel)
  warnOfBlockedLoop(log)
  return startIngress(settings, { log })
})
