import { describe, expect, it } from 'vitest'
import { isInfrastructureError } from './is-infrastructure-error.ts'

function sqlError(code: string): Error {
  return Object.assign(new Error('from Postgres'), { code, severity: 'ERROR' })
}

describe('isInfrastructureError', () => {
  it.each([
    '08000',
    '08006',
    '53300',
    '57014',
    '57P01',
    '57P03',
    '57P05',
    '55P03',
    '40001',
    '40P01',
    '25P03',
    '0A000',
    '26000',
    '3D000',
    '42P01',
    '42703',
    'XX000',
  ])('is true for SQLSTATE %s', (code) => {
    expect(isInfrastructureError(sqlError(code))).toBe(true)
    expect(isInfrastructureError(new Error('while folding', { cause: sqlError(code) }))).toBe(true)
  })

  it.each(['22P02', '22001', '23505', '54000'])('is false for SQLSTATE %s, which is about the data', (code) => {
    expect(isInfrastructureError(sqlError(code))).toBe(false)
  })

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
    'Cannot use a pool after calling end on the pool',
    'Connection is closed.',
    'Command timed out',
    "OOM command not allowed when used memory > 'maxmemory'.",
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
  ])('is true of an error that says: %s', (message) => {
    expect(isInfrastructureError(new Error(message))).toBe(true)
  })

  it('is true for a broken connection to Postgres or Redis, and false for one to a peer', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    expect(isInfrastructureError(refused)).toBe(true)
    expect(isInfrastructureError(new TypeError('fetch failed', { cause: refused }))).toBe(false)
  })

  it('is false for errors of the work itself', () => {
    expect(isInfrastructureError(new TypeError('undefined is not a function'))).toBe(false)
    expect(isInfrastructureError(Object.assign(new Error('no permission'), { code: 'EPERM' }))).toBe(false)
    expect(isInfrastructureError(new DOMException('aborted', 'AbortError'))).toBe(false)
    expect(isInfrastructureError('a string')).toBe(false)
  })
})
