import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

/** Answers batch upserts as HubSpot does, `delay` ms after the request arrives. argv: port, delay. */
const [port = '0', delay = '50'] = process.argv.slice(2)
let written = 0
// No limit: what is measured is Warmhook, not the plan of an account.
const headers = {
  'content-type': 'application/json',
  'x-hubspot-ratelimit-max': '1000000',
  'x-hubspot-ratelimit-daily': '100000000',
}

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify({ written }))
    return
  }
  void text(request).then((body) => {
    const { inputs } = JSON.parse(body) as { inputs: { id: string; objectWriteTraceId: string }[] }
    written += inputs.length
    const results = inputs.map(({ id, objectWriteTraceId }) => ({
      id: `crm-${id}`,
      new: false,
      objectWriteTraceId,
      properties: { email: id },
    }))
    const answer = JSON.stringify({ status: 'COMPLETE', results })
    return setTimeout(() => response.writeHead(200, headers).end(answer), Number(delay))
  })
})
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : 0
  process.stdout.write(`{"url":"http://127.0.0.1:${bound}"}\n`)
})
