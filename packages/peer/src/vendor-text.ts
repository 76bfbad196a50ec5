import { redactEmail } from '@warmhook/telemetry/redact-email'

const maxLength = 300

/** A vendor's text as part of a reason: short, on one line, without e-mail addresses, because reasons are logged. */
export function vendorText(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  // The length limit keeps the run time linear, as the text is untrusted.
  const redacted = line.slice(0, 2 * maxLength).replaceAll(/[^\s"'<>()[\],;:=]+@[^\s"'<>()[\],;:=]+/g, redactEmail)
  return redacted.length > maxLength ? `${redacted.slice(0, maxLength)}…` : redacted
}
