import { html, raw } from 'hono/html'
import { stylesheet } from '../dashboard/stylesheet.ts'

/** What a browser shows in place of a page that can't be given. `isPassing` has it ask again by itself. */
export function problemPage(title: string, detail: string, isPassing: boolean): ReturnType<typeof html> {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${isPassing ? html`<meta http-equiv="refresh" content="5" />` : ''}
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
            ${isPassing ? html`<p class="hint">This page tries again every five seconds.</p>` : ''}
          </section>
        </main>
      </body>
    </html>`
}
