import { Secret } from '@warmhook/config/secret'
import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { describe, expect, it } from 'vitest'
import { createPeerClient } from '@warmhook/peer/create-peer-client'
import { postToSlack, slackLimits, type SlackResult } from './post-to-slack.ts'

async function post(answer: (url: string) => Response | Promise<Response>): Promise<SlackResult> {
  await using peer = await startHttpPeer(() => answer(url))
  const url = `${peer.url}/services/a-secret`
  const client = createPeerClient({ ...slackLimits, requestMs: 300 })
  return await postToSlack(new Secret(url), 'text', new AbortController().signal, { post: client, now: Date.now })
}

describe('postToSlack', () => {
  it.each([
    [200, 'ok', 'sent'],
    [299, '', 'sent'],
    [500, 'rollup_error', 'retry'],
    [503, '', 'retry'],
    [408, '', 'retry'],
    [425, '', 'retry'],
    [400, 'invalid_payload', 'rejected'],
    [422, 'no_text', 'rejected'],
    [413, '', 'rejected'],
    [400, 'user_not_found', 'refused'],
    [404, 'no_service', 'refused'],
    [410, 'channel_is_archived', 'refused'],
    [302, '', 'refused'],
  ])('classifies %i %j as %s', async (status, body, expected) => {
    expect(await post(() => new Response(body, { status }))).toMatchObject({ status: expected })
  })

  it.each([
    [429, undefined, 1_000],
    [429, '7', 7_000],
    [503, '3', 3_000],
    [500, '7200', 3_600_000],
  ])('after a %i with Retry-After %s, waits for %i ms', async (status, retryAfter, waitMs) => {
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
    expect(await post(() => new Response('slow down', { status, headers }))).toMatchObject({
      status: 'refused',
      refusal: { cause: 'limited', waitMs, maxWaitMs: waitMs },
    })
  })

  it('does not reveal the URL, which is the credential, and shortens a page', async () => {
    const result = await post((url) => new Response(`no  such\nhook ${url} ${'x'.repeat(500)}`, { status: 404 }))
    const reason = result.status === 'refused' ? result.refusal.reason : ''
    expect(reason).toMatch(/^Slack answered 404: no such hook \[secret\] x+ \(check SLACK_WEBHOOK_URL/)
    expect(reason.length).toBeLessThan(250)
  })

  it('retries after a call that may have arrived, and holds everything if Slack is unreachable', async () => {
    expect(await post(() => new Promise<never>(() => undefined))).toMatchObject({
      status: 'retry',
      reason: expect.stringContaining('Slack did not answer'),
    })
    const peer = await startHttpPeer()
    await peer[Symbol.asyncDispose]()
    const client = createPeerClient(slackLimits)
    const signal = new AbortController().signal
    expect(await postToSlack(new Secret(peer.url), 'text', signal, { post: client, now: Date.now })).toMatchObject({
      status: 'refused',
      refusal: { cause: 'down', waitMs: 1_000, reason: expect.stringContaining('ECONNREFUSED') },
    })
  })
})
