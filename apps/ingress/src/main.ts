import { runUntilSignal } from '@warmhook/lifecycle/run-until-signal'
import { createProcessLogger, reportFatal } from '@warmhook/telemetry/create-process-logger'
import { warnOfBlockedLoop } from '@warmhook/telemetry/watch-event-loop'
import { parseIngressEnv } from './env.ts'
import { startIngress } from './start-ingress.ts'

const log = createProcessLogger('ingress')
await runUntilSignal({ deadlineMs: 25_000, onError: reportFatal(log) }, (giveUp) => {
  const settings = parseIngressEnv(process.env)
  log.level = settings.logLevel
  warnOfBlockedLoop(log)
  return startIngress(settings, { log, giveUp })
})
