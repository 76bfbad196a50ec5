import { cutBatches } from '@warmhook/batching/cut-batches'
import type { ContactRecord, CrmProvider, CrmProviderDeps, CrmProviderKind, UpsertTerms } from '../crm-provider.ts'
import { isSuccess } from '../crm-client.ts'
import { writeInParts, type PartAnswer } from '../write-in-parts.ts'
import { classifyAnswer } from './classify-answer.ts'
import { createSigner, type Signer } from './create-signer.ts'
import { readUpsertAnswer } from './read-upsert-answer.ts'
import { messageSizeOf, toUpsertMessage } from './to-upsert-message.ts'

/** Web frameworks such as Express accept 100 kB by default. */
const batchLimits = { maxItems: 100, maxSize: 90_000 }
/** Two batches at once: the endpoint may be a small program. */
const writing = { label: 'the endpoint', maxConcurrent: 2, maxCalls: 64 }

/** The user's own endpoint, which gets a signed POST per batch (Standard Webhooks). The base URL is the endpoint itself. */
export const http: CrmProviderKind = {
  name: 'http',
  label: 'the endpoint',
  // The endpoint has no properties that Warmhook knows of.
  ownProperties: /(?!)/,
  canArchive: true,
  windows: [{ name: 'minute', ms: 60_000, limit: 600 }],
  readLimits: () => [],
  // Each message has its own signature.
  authorise: () => ({}),
  create: ({ token }, deps) => createHttp(createSigner(token), deps),
}

function createHttp(sign: Signer, { client, now }: CrmProviderDeps): CrmProvider {
  async function write(
    records: readonly ContactRecord[],
    terms: UpsertTerms,
    signal: AbortSignal,
  ): Promise<PartAnswer> {
    const at = now()
    const { id, body } = toUpsertMessage(records, terms, at)
    const answer = await client({
      method: 'POST',
      path: '',
      headers: sign(id, at, body),
      body,
      cost: { minute: 1 },
      signal,
    })
    if (isSuccess(answer)) return { isWhole: false, rows: readUpsertAnswer(records, answer.body) }
    return { isWhole: true, answerClass: classifyAnswer(answer, now()) }
  }

  return {
    upsertMany(records, terms) {
      const batches = cutBatches(records, messageSizeOf, batchLimits)
      return writeInParts(batches, terms, {
        ...writing,
        now,
        write: (batch, signal) => write(batch, terms, signal),
      })
    },
    // The endpoint has no schema, and nothing is read back from it.
    planProperties: () => Promise.resolve({ missing: [], conflicts: [] }),
    createProperties: () => Promise.resolve(),
    readContacts: () => Promise.resolve(new Map()),
    readMax: 0,
  }
}
