import type { IngressReport } from '@warmhook/schema/ingress-report'
import { expect, it } from 'vitest'
import { numberEnvelopes } from './number-envelopes.ts'
import { startReporting } from './report-to-ledger.ts'
import { trackSpooled } from './spool/track-spooled.ts'

it('sends one report for many touches, and each report is newer than those of earlier turns of a spool', async () => {
  const sent: (readonly IngressReport[])[] = []
  const waiting: ((reports: readonly IngressReport[]) => void)[] = []
  const nextReport = () => new Promise<readonly IngressReport[]>((resolve) => void waiting.push(resolve))
  const numbers = numberEnvelopes('0123456789abcdef')
  for (const [count, end] of [
    [1, 'safe'],
    [2, 'refused'],
    [4, 'safe'],
  ] as const)
    numbers.settle(numbers.take(count), end)
  let turn = 1
  const errors: unknown[] = []
  const reporting = startReporting({
    numbers,
    spool: () => ({ id: 'a-spool', turn, ranges: trackSpooled() }),
    async send(reports) {
      sent.push(reports)
      waiting.shift()?.(reports)
      if (sent.length === 1) throw new Error('Redis is unreachable')
    },
    onError: (error) => void errors.push(error),
    now: () => 1_000,
  })
  const first = nextReport()
  for (let touches = 0; touches < 5; touches += 1) reporting.touch()
  expect(await first).toEqual([
    { kind: 'epoch', name: numbers.epoch, version: 1, startedAt: 1_000, reportedAt: 1_000, settled: 7, void: [[2, 3]] },
    { kind: 'spool', name: 'a-spool', version: 2 ** 32 + 1, reportedAt: 1_000, ranges: {} },
  ])
  turn = 2
  const second = nextReport()
  reporting.touch()
  expect((await second).map(({ version }) => version)).toEqual([2, 2 * 2 ** 32 + 2])
  await reporting[Symbol.asyncDispose]()
  expect(sent.map(([report]) => report?.version)).toEqual([1, 2, 3])
  expect(errors).toEqual([new Error('Redis is unreachable')])
})
