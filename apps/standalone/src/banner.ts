import type { Endpoint } from '@warmhook/config/endpoints'
import type { StandaloneSettings } from './env.ts'
import type { Standalone } from './start-standalone.ts'

/** The text shown after the start: where to send webhooks, an example and the dashboard. */
export function banner(
  settings: Pick<StandaloneSettings, 'endpoints' | 'boardUser' | 'boardPassword'>,
  running: Pick<Standalone, 'ingressUrl' | 'boardUrl' | 'storage'>,
): string {
  const { endpoints, boardUser, boardPassword } = settings
  const urls = endpoints.map((endpoint) => webhookUrl(endpoint, running.ingressUrl))
  const example = urls.find((url) => url !== undefined)
  return `
Warmhook is ready. Data: ${running.storage}.

${endpoints.length === 1 ? `  Webhook URL   ${urls[0] ?? digestOnly}` : listUrls(endpoints, urls)}
  Dashboard     ${running.boardUrl}/   (user ${boardUser}, password ${boardPassword.reveal()})
${example === undefined ? '' : tryIt(example)}
Press Ctrl-C to finish the work in progress and stop.
`
}

// About one screen.
const maxListed = 50

const digestOnly = '(only the digest of its key is known: use the original key)'

function listUrls(endpoints: readonly Endpoint[], urls: readonly (string | undefined)[]): string {
  const listed = endpoints.slice(0, maxListed)
  const width = Math.max(...listed.map(({ owner }) => owner.length))
  const lines = listed.map(({ owner }, index) => `    ${owner.padEnd(width)}   ${urls[index] ?? digestOnly}`)
  const more = endpoints.length > maxListed ? [`    … and ${endpoints.length - maxListed} more in ENDPOINTS_FILE`] : []
  return ['  Webhook URLs', ...lines, ...more].join('\n')
}

function webhookUrl({ source, shownKey }: Endpoint, ingressUrl: string): string | undefined {
  return shownKey && `${ingressUrl}/webhooks/${source}/${shownKey.reveal()}`
}

function tryIt(url: string): string {
  return `
Try it:
  npx warmhook send
  curl -X POST '${url}' -d '{"type":"campaign.created","account":{"campaign_id":1,"email":"me@example.com"}}'
`
}
