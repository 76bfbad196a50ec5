/**
 * Whether a text can be an address. It rules out no more than what can't be one, since every peer has rules of its own.
 * `[email protected]`, as the sender's reference prints obfuscated addresses, is none.
 */
export function isEmailAddress(text: string): boolean {
  const address = text.trim()
  return address.length <= maxLength && shape.test(address)
}

/** RFC 5321 section 4.5.3.1.3, without the angle brackets. */
const maxLength = 254
const shape = /^[^\s\p{C}@]+@[^\s\p{C}@]+$/u
