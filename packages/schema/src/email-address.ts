/**
 * Whether a text can be an email address. It only rules out impossible addresses, because every peer has its own rules.
 * `[email protected]`, the obfuscated address in the sender's reference, is not one.
 */
export function isEmailAddress(text: string): boolean {
  const address = text.trim()
  return address.length <= maxLength && shape.test(address)
}

/** RFC 5321 section 4.5.3.1.3, without the angle brackets. */
const maxLength = 254
const shape = /^[^\s\p{C}@]+@[^\s\p{C}@]+$/u
