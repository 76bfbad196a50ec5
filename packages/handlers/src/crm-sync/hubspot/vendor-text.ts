import { redactEmail } from '@warmhook/telemetry/redact-email'

const maxLength = 300

/** A vendor's words as part of a reason: short, on one line, and without people's addresses, because reasons are logged. */
export function vendorText(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  // The bound keeps the time linear: the text is the vendor's.
  const redacted = line.slice(0, 2 * maxLength).replaceAll(/[^\s"'<>()[\],;:=]+@[^\s"'<>()[\],;:=]+/g, redactEmail)
  return redacted.length > maxLength ? `${redacted.slice(0, maxLength)}…` : redacted
}
