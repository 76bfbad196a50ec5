import type { StandaloneSettings } from './env.ts'
import type { Standalone } from './start-standalone.ts'

/** What a person needs to see first: where to send, what to try, where to look. */
export function banner(settings: StandaloneSettings, running: Standalone): string {
  const webhookUrl = `${running.ingressUrl}/webhooks/mailivery/${settings.endpointKey.reveal()}`
  return `
Warmhook is ready. Its data: ${running.storage}.

  Webhook URL   ${webhookUrl}
  Dashboard     ${running.boardUrl}/   (user ${settings.boardUser}, password ${settings.boardPassword.reveal()})

Try it:
  npx warmhook send
  curl -X POST '${webhookUrl}' -d '{"type":"campaign.created","account":{"campaign_id":1,"email":"me@example.com"}}'

Ctrl-C finishes what is in hand and stops.
`
}
