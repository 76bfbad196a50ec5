import { eventually } from '@warmhook/testing/eventually'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { describe, expect, it } from 'vitest'
import { recordsOf } from '../fixtures/contact-records.ts'
import { openTestAccount } from '../fixtures/open-test-account.ts'
import { http } from './http-provider.ts'

const secret = 'whsec_c2VjcmV0IG9mIHRoZSB0ZXN0'
const terms = { signal: new AbortController().signal, isFirst: false, mode: 'upsert', archives: false } as const

describe('the receiver in docs/crm-http.md', () => {
  it('verifies messages and answers with results', async () => {
    await using receiver = await startReceiver(documentedCode('node:http'))
    const results = await openTestAccount(http, { baseUrl: receiver.url, token: secret }).upsertMany(
      recordsOf(2),
      terms,
    )
    expect([...results.values()]).toEqual([
      { status: 'written', remoteId: 'crm-m1@b.example' },
      { status: 'written', remoteId: 'crm-m2@b.example' },
    ])
    const refused = await openTestAccount(http, { baseUrl: receiver.url, token: 'other' }).upsertMany(
      recordsOf(1),
      terms,
    )
    expect([...refused.values()]).toMatchObject([{ status: 'hold', refusal: { cause: 'unauthorised' } }])
  })
})

/** The code block that imports a module. */
function documentedCode(module: string): string {
  const page = readFileSync(new URL('../../../../docs/crm-http.md', import.meta.url), 'utf8')
  const blocks = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const found = blocks.find((code) => code.includes(`from '${module}'`))
  if (found === undefined) throw new Error(`no code block imports ${module}`)
  return found
}

async function startReceiver(code: string): Promise<AsyncDisposable & { readonly url: string }> {
  const url = await freeUrl()
  const program = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    // The code's imports are resolved from here.
    cwd: new URL('.', import.meta.url),
    env: { CRM_HTTP_SECRET: secret, PORT: new URL(url).port },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(program, 'exit')
  await eventually(async () => expect((await fetch(url, { method: 'POST' })).status).toBe(401))
  return {
    url,
    async [Symbol.asyncDispose]() {
      program.kill()
      await ended
    },
  }
}

async function freeUrl(): Promise<string> {
  await using peer = await startHttpPeer()
  return peer.url
}
