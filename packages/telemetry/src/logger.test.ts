import { describe, expect, it } from 'vitest'
import { createLogger } from './logger.ts'

describe('createLogger', () => {
  function logged(err: unknown): Record<string, unknown> {
    let line = ''
    createLogger('test', 'info', { write: (text) => (line = text) }).warn({ err }, 'failed')
    return (JSON.parse(line) as { err: Record<string, unknown> }).err
  }

  it('logs the class, message, code and causes of an error, but no field that could contain a payload', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', address: '127.0.0.1' })
    const error = Object.assign(new TypeError('no answer', { cause }), { detail: 'Key (email)=(a@example.com)' })
    expect(logged(error)).toEqual({
      type: 'TypeError',
      message: 'no answer',
      cause: { type: 'Error', message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' },
      stack: expect.stringContaining('logger.test.ts'),
    })
  })

  it('logs the reasons if every address of a host refuses the connection', () => {
    const error = new AggregateError([
      new Error('connect ECONNREFUSED ::1:1'),
      new Error('connect ECONNREFUSED 127.0.0.1:1'),
    ])
    expect(logged(error)['message']).toBe('connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1')
  })

  it('accepts values that are not errors', () => {
    expect(logged('text')).toEqual({ message: 'text' })
  })
})
