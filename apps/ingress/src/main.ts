import { runUntilSignal } from '@warmhook/lifecycle/run-until-signal'
import { createLogger } from '@warmhook/telemetry/logger'
import { parseIngressEnv } from './env.ts'
import { startIngress } from './start-ingress.ts'

await runUntilSignal({ deadlineMs: 25_000 }, () => {
  const settings = parseIngressEnv(process.env)
  return startIngress(settings, { log: createLogger('ingress', settings.logLevel) })
})
