/** `j…@example.com`: recognisable to a person who knows the mailbox, useless to others. */
export function redactEmail(email: string): string {
  const at = email.lastIndexOf('@')
  return at < 1 ? '…' : `${email.slice(0, 1)}…${email.slice(at)}`
}
