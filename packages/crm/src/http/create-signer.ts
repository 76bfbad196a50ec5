import { EnvError } from '@warmhook/config/parse-env'
import type { Secret } from '@warmhook/config/secret'
import { Webhook } from 'standardwebhooks'

/** The headers that sign a text, sent under an id at a time (ms since the epoch). */
export type Signer = (id: string, at: number, text: string) => Readonly<Record<string, string>>

/**
 * Signs by the Standard Webhooks specification. The key is the base64 after `whsec_`, or the bytes of any other text.
 *
 * @throws EnvError if the secret is no key
 */
export function createSigner(secret: Secret): Signer {
  const webhook = openWebhook(secret.reveal())
  return (id, at, text) => ({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': webhook.sign(id, new Date(at), text),
  })
}

function openWebhook(secret: string): Webhook {
  try {
    // The library would keep only the low byte of each character of a raw text.
    return secret.startsWith('whsec_')
      ? new Webhook(secret)
      : new Webhook(new TextEncoder().encode(secret), { format: 'raw' })
  } catch (error) {
    const problem = secret === '' ? 'is empty' : 'starts with whsec_, but the rest is not base64'
    throw Object.assign(new EnvError([`CRM_HTTP_SECRET ${problem}`]), { cause: error })
  }
}
