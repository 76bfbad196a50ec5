/** Slack truncates messages at 40,000 characters and rejects some longer ones; a reason can be a whole page. */
const maxTextLength = 200

/** One short line, escaped: https://docs.slack.dev/messaging/formatting-message-text names the three characters. */
export function toSlackText(text: string, maxLength = maxTextLength): string {
  const line = text.toWellFormed().replaceAll(/\s+/g, ' ').trim()
  const short = line.length > maxLength ? `${line.slice(0, maxLength).toWellFormed()}…` : line
  return short.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
