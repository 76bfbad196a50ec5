import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fields } from './fields.ts'
import { EnvError, parseAll, parseEnv } from './parse-env.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'warmhook config '))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function write(name: string, content: string | Uint8Array): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof EnvError) return error.problems
    throw error
  }
}

const readKey = (env: Record<string, string>): string =>
  parseEnv({ WARMHOOK_ENDPOINT_KEY: fields.WARMHOOK_ENDPOINT_KEY }, env).WARMHOOK_ENDPOINT_KEY.reveal()

const key = 'a-key-of-at-least-128-bits'

describe('a value', () => {
  it.each([
    ['a carriage return', `${key}\r`],
    ['a line end', `${key}\n`],
    ['a byte order mark', `\uFEFF${key}`],
    ['spaces', `  ${key}\t`],
  ])('is trimmed of %s, in the variable and in its file', (_name, text) => {
    expect(readKey({ WARMHOOK_ENDPOINT_KEY: text })).toBe(key)
    expect(readKey({ WARMHOOK_ENDPOINT_KEY_FILE: write('key', text) })).toBe(key)
    expect(readKey({ WARMHOOK_ENDPOINT_KEY_FILE: `${write('key', text)}\r\n` })).toBe(key)
  })

  it('counts as unset if it is empty; its file is then used', () => {
    expect(readKey({ WARMHOOK_ENDPOINT_KEY: '', WARMHOOK_ENDPOINT_KEY_FILE: write('key', key) })).toBe(key)
    expect(parseEnv({ HOST: fields.HOST }, { HOST: '', HOST_FILE: '' })).toEqual({ HOST: '127.0.0.1' })
  })

  it.each([
    ['a line break', 'first-part-of-a-key\nsecond-part'],
    ['a zero-width space', 'first-part-of-a-key\u200Bsecond-part'],
    ['bytes that are not text', 'first-part-of-a-key\uFFFDsecond-part'],
  ])('is refused by name if it contains %s, without being quoted', (_name, text) => {
    const problems = problemsOf(() => readKey({ WARMHOOK_ENDPOINT_KEY: text }))
    expect(problems).toEqual(['WARMHOOK_ENDPOINT_KEY contains a line break or another invisible character'])
  })

  it('is refused when it is white space only', () => {
    expect(problemsOf(() => readKey({ WARMHOOK_ENDPOINT_KEY: ' \t' }))).toEqual([
      'WARMHOOK_ENDPOINT_KEY contains only white space: set a value, or unset it',
    ])
  })

  it('is refused when its variable and its file are both set', () => {
    const env = { WARMHOOK_ENDPOINT_KEY: key, WARMHOOK_ENDPOINT_KEY_FILE: write('key', key) }
    expect(problemsOf(() => readKey(env))).toEqual([
      'WARMHOOK_ENDPOINT_KEY and WARMHOOK_ENDPOINT_KEY_FILE are both set: unset one of them',
    ])
  })
})

describe('NAME_FILE', () => {
  it.each([
    ['does not exist', () => join(directory, 'missing')],
    ['is a directory', () => directory],
    ['is inside something that is not a directory', () => join(write('plain', 'x'), 'below')],
    ['is not a regular file', () => '/dev/zero'],
    ['is not UTF-8 text', () => write('utf16', Buffer.from(`\uFEFF${key}`, 'utf16le'))],
    ['is larger than 65536 bytes', () => write('large', 'x'.repeat(65_537))],
    ['is a symbolic link to itself', () => join(directory, 'loop')],
  ])('is refused when the file %s', (problem, path) => {
    rmSync(join(directory, 'loop'), { force: true })
    execFileSync('ln', ['-s', 'loop', join(directory, 'loop')])
    const file = path()
    expect(problemsOf(() => readKey({ WARMHOOK_ENDPOINT_KEY_FILE: file }))).toEqual([
      `WARMHOOK_ENDPOINT_KEY_FILE refers to a file that ${problem}`,
    ])
  })

  it.each(['', '\n', '\uFEFF\r\n'])('is refused when the file contains only %j', (text) => {
    const problems = problemsOf(() => readKey({ WARMHOOK_ENDPOINT_KEY_FILE: write('empty', text) }))
    expect(problems).toEqual(['WARMHOOK_ENDPOINT_KEY_FILE refers to a file that is empty'])
  })

  it('may be a symbolic link, like mounted secrets', () => {
    mkdirSync(join(directory, '..data'), { recursive: true })
    write(join('..data', 'key'), `${key}\n`)
    const link = join(directory, 'linked')
    execFileSync('ln', ['-sf', join('..data', 'key'), link])
    expect(readKey({ WARMHOOK_ENDPOINT_KEY_FILE: link })).toBe(key)
  })
})

describe('the message', () => {
  it('lists every problem of every reader once, by name, without values', () => {
    const env = {
      BATCH_MAX: 'secret-one',
      REDIS_URL: 'secret-two',
      INGRESS_PORT: 'secret-three',
      HOST_FILE: '/missing',
    }
    const read = (): unknown =>
      parseAll(
        () => parseEnv({ BATCH_MAX: fields.BATCH_MAX, REDIS_URL: fields.REDIS_URL, HOST: fields.HOST }, env),
        () => parseEnv({ DATABASE_URL: fields.DATABASE_URL }, env),
        () => parseEnv({ INGRESS_PORT: fields.INGRESS_PORT, BATCH_MAX: fields.BATCH_MAX }, env),
      )
    expect(problemsOf(read).map((problem) => problem.split(' ')[0])).toEqual([
      'HOST_FILE',
      'BATCH_MAX',
      'REDIS_URL',
      'DATABASE_URL',
      'INGRESS_PORT',
    ])
    expect(problemsOf(read)).toContain('DATABASE_URL is required')
    expect(read).toThrow(/^Invalid configuration:\n {2}- HOST_FILE/)
    expect(problemsOf(read).join('\n')).not.toContain('secret-')
  })

  it('returns the results in order if there is no problem', () => {
    expect(
      parseAll(
        () => 1,
        () => 'two',
      ),
    ).toEqual([1, 'two'])
  })

  it('rethrows other errors', () => {
    expect(() =>
      parseAll(() => {
        throw new TypeError('a bug')
      }),
    ).toThrow(TypeError)
  })
})
