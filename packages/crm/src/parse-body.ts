/** Parses a body as JSON; returns the text if it is not JSON. */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
