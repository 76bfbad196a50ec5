import { html, raw } from 'hono/html'
import { stylesheet } from '../dashboard/stylesheet.ts'

/** The error page for browsers. If `isTransient`, the page reloads automatically. */
export function problemPage(title: string, detail: string, isTransient: boolean): ReturnType<typeof html> {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${isTransient ? html`<meta http-equiv="refresh" content="5" />` : ''}
        <title>${title} · Warmhook</title>
        <style>
          ${raw(stylesheet)}
        </style>
      </head>
      <body>
        <header><h1>Warmhook</h1></header>
        <main>
          <section role="alert">
            <h2>${title}</h2>
            <p class="detail">${detail}.</p>
            ${isTransient ? html`<p class="hint">This page retries every five seconds.</p>` : ''}
          </section>
        </main>
      </body>
    </html>`
}
