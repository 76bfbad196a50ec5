/** Refreshes the overview every five seconds while the page is visible, and shows a notice if that fails. */
export const refreshScript = `
const { overview } = document.currentScript.dataset
const target = document.getElementById('overview')
const notice = document.getElementById('stale')
let renewedAt = new Date()

async function refresh() {
  if (document.hidden) return
  try {
    show(await read())
  } catch (error) {
    tell(error.message)
  }
}

async function read() {
  const headers = { accept: 'application/problem+json, text/html;q=0.9' }
  let response
  try {
    response = await fetch(overview, { headers, signal: AbortSignal.timeout(8000) })
  } catch {
    throw new Error('The board does not answer')
  }
  if (response.ok) return response.text()
  const problem = await response.json().catch(() => ({}))
  throw new Error(problem.detail ?? 'The board answered ' + response.status)
}

function show(html) {
  const links = [...target.querySelectorAll('a')]
  const focused = links.indexOf(document.activeElement)
  target.innerHTML = html
  if (focused >= 0) target.querySelectorAll('a')[focused]?.focus({ preventScroll: true })
  renewedAt = new Date()
  notice.hidden = true
  document.body.classList.remove('stale')
}

function tell(reason) {
  const text = 'Out of date: last updated at ' + renewedAt.toLocaleTimeString() + '. ' + reason + '. Retrying every five seconds.'
  if (notice.textContent !== text) notice.textContent = text
  notice.hidden = false
  document.body.classList.add('stale')
}

setInterval(refresh, 5000)
document.addEventListener('visibilitychange', refresh)
`
