import { html } from 'hono/html'
import { overview, type Overview } from './overview.ts'

/** The whole page. */
export function page(data: Overview): ReturnType<typeof html> {
  const { basePath } = data
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Warmhook</title>
        <link rel="icon" href="${basePath}/favicon.svg" />
        <link rel="stylesheet" href="${basePath}/style.css" />
        <script src="${basePath}/refresh.js" data-overview="${basePath}/overview" defer></script>
      </head>
      <body>
        <header>
          <h1>Warmhook</h1>
          <nav aria-label="More">
            <a href="${basePath}/queues">Queues</a> <a href="${basePath}/api/openapi.json">API</a>
            <a href="${basePath}/metrics">Metrics</a>
          </nav>
        </header>
        <p id="stale" role="status" hidden></p>
        <main id="overview">${overview(data)}</main>
      </body>
    </html>`
}
