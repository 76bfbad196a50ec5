import { EnvError } from '@warmhook/config/parse-env'
import { Secret } from '@warmhook/config/secret'
import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { createSigner } from './create-signer.ts'

const text = '{"name":"Zoë"}'
const base64 = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

function signatureOf(secret: string): Readonly<Record<string, string>> {
  return createSigner(new Secret(secret))('msg_1', Date.now(), text)
}

describe('createSigner', () => {
  it('signs with the base64 after whsec_ as the specification’s library does', () => {
    const headers = signatureOf(`whsec_${base64}`)
    expect(new Webhook(base64).verify(text, headers)).toEqual({ name: 'Zoë' })
  })

  it.each(['plain text', 'whsec', 'schlüssel', base64])('signs with the bytes of the plain text %j', (secret) => {
    const headers = signatureOf(secret)
    const signed = `msg_1.${headers['webhook-timestamp']}.${text}`
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`)
  })

  it('can be verified in the raw format of the library', () => {
    const webhook = new Webhook('plain text', { format: 'raw' })
    expect(webhook.verify(text, signatureOf('plain text'))).toEqual({ name: 'Zoë' })
  })

  it.each(['whsec_', 'whsec_not base64!', ''])('refuses the secret %j without quoting it', (secret) => {
    expect(() => createSigner(new Secret(secret))).toThrow(EnvError)
    expect(() => createSigner(new Secret(secret))).toThrow(
      /CRM_HTTP_SECRET (is empty|starts with whsec_, but the rest is not base64)$/,
    )
  })
})
