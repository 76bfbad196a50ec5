import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createErrorReporter } from './create-error-reporter.ts'
import { createLogger } from './logger.ts'

describe('createErrorReporter', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function open() {
    const lines: Record<string, unknown>[] = []
    const log = createLogger('test', 'info', {
      write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    })
    return { lines, report: createErrorReporter(log) }
  }

  it('logs the first error immediately, and later ones once a second with their count', () => {
    const { lines, report } = open()
    const onError = report('redis connection')
    for (let second = 0; second < 3; second++) {
      for (let count = 0; count < 1_000; count++) onError(refused())
      vi.advanceTimersByTime(1_050)
    }
    expect(lines.map(({ repeated }) => repeated)).toEqual([undefined, 999, 1_000, 1_000])
    expect(lines[0]).toMatchObject({ msg: 'redis connection', level: 40, err: { code: 'ECONNREFUSED' } })
  })

  it('starts again after a quiet second', () => {
    const { lines, report } = open()
    report('redis connection')(refused())
    vi.advanceTimersByTime(2_500)
    report('redis connection')(refused())
    expect(lines.map(({ repeated }) => repeated)).toEqual([undefined, undefined])
  })

  it('groups errors that differ only in numbers and ids, but not those with another source, class or cause', () => {
    const { lines, report } = open()
    for (let id = 0; id < 10; id++) report('a')(new Error(`job 0196f1d2-${id}a61-7d1f of attempt ${id} timed out`))
    report('b')(new Error('job 1 of attempt 1 timed out'))
    report('a')(new TypeError('job 1 of attempt 1 timed out'))
    report('a')(new Error('job 1 of attempt 1 timed out', { cause: refused() }))
    expect(lines.map(({ msg }) => msg)).toEqual(['a', 'b', 'a', 'a'])
  })

  it('limits the number of kinds', () => {
    const { lines, report } = open()
    const letters = 'abcdefghijklmnopqrstuvwxyz'
    for (const first of letters) for (const second of letters) report('a')(new Error(`strange word ${first}${second}`))
    expect(lines.length).toBeLessThan(60)
    vi.advanceTimersByTime(1_050)
    expect(lines.at(-1)?.['repeated']).toBeGreaterThan(600)
  })

  it('counts an error once if it reaches several listeners, and every time it reaches the same one', () => {
    const { lines, report } = open()
    const error = refused()
    for (const what of ['connection', 'queue', 'connection', 'queue']) report(what)(error)
    vi.advanceTimersByTime(1_050)
    expect(lines).toMatchObject([{ msg: 'connection' }, { msg: 'connection', repeated: 1 }])
  })

  it('logs pending counts when flushed', () => {
    const { lines, report } = open()
    report('a', 'error')('plain text')
    report('a', 'error')('plain text')
    report.flush()
    report.flush()
    expect(lines).toMatchObject([
      { level: 50, err: { message: 'plain text' } },
      { errors: [{ kind: 'a: plain text', repeated: 1 }] },
    ])
  })

  it('survives an error that is its own cause', () => {
    const { lines, report } = open()
    const error = new Error('loop')
    error.cause = error
    report('a')(error)
    expect(lines).toHaveLength(1)
  })
})

function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), { code: 'ECONNREFUSED' })
}
