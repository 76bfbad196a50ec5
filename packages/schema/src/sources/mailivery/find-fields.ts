/** A JSON object's values by key, without case and punctuation: `campaign_id`, `campaignId` and `Campaign-ID` match. */
export type Fields = ReadonlyMap<string, unknown>

/** Finds the fields of an object. Null counts as absent, and the documented spelling of a key takes precedence. */
export function findFields(record: object): Fields {
  const fields = new Map<string, unknown>()
  for (const [key, value] of Object.entries(record)) {
    if (value === null) continue
    const documented = documentedKeys.get(key)
    const name = documented ?? plainName(key)
    if (documented !== undefined || !fields.has(name)) fields.set(name, value)
  }
  return fields
}

const maxKeyLength = 40

/** The keys that the sender documents, including its misspelling. */
const documentedKeys: ReadonlyMap<string, string> = new Map(
  [
    'type',
    'action',
    'reason',
    'account',
    'campaign_id',
    'id',
    'first_name',
    'last_name',
    'lalst_name',
    'email',
    'provider_type',
    'tags',
    'meta',
  ].map((key) => [key, plainName(key)]),
)

function plainName(key: string): string {
  return key.length > maxKeyLength ? key : key.replaceAll(/[^\p{L}\p{N}]/gu, '').toLowerCase()
}
