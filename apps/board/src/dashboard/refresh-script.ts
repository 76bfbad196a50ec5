/** Renews the overview every five seconds while the page is looked at. */
export const refreshScript = `
const target = document.getElementById('overview')
async function refresh() {
  if (document.hidden) return
  try {
    const response = await fetch('/overview', { headers: { accept: 'text/html' } })
    if (response.ok) target.innerHTML = await response.text()
    document.body.classList.toggle('stale', !response.ok)
  } catch {
    document.body.classList.add('stale')
  }
}
setInterval(refresh, 5000)
document.addEventListener('visibilitychange', refresh)
`
