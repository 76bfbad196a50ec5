import { fieldDescriptions } from './default-mapping.ts'

const placeholders = Object.keys(fieldDescriptions).filter((field) => field !== 'campaignUrl')
const maxLength = 1_000

/** What is wrong with a template for links to campaigns, as the end of a sentence; undefined if nothing is. */
export function campaignUrlProblem(template: unknown): string | undefined {
  if (typeof template !== 'string' || template.length > maxLength)
    return `must be a URL of at most ${maxLength} characters, such as ${example}`
  const names = [...template.matchAll(placeholder)].map(([, name = '']) => name)
  if (names.some((name) => !placeholders.includes(name)))
    return `has an unknown placeholder; known are ${placeholders.map((name) => `{${name}}`).join(', ')}`
  const filled = template.replaceAll(placeholder, '1')
  if (/[{}]/.test(filled)) return 'has a brace without its counterpart'
  return isHttpUrl(filled) ? undefined : `must be a URL such as ${example}`
}

const placeholder = /\{([^{}]*)\}/g
const example = 'https://app.example.com/campaigns/{campaignId}'

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^/\s]\S*$/i.test(text) && URL.canParse(text)
}
