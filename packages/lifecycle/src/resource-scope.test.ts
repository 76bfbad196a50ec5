import { describe, expect, it } from 'vitest'
import { ReleaseError, ResourceScope } from './resource-scope.ts'

function resource(name: string, released: string[]): AsyncDisposable & { readonly name: string } {
  return { name, [Symbol.asyncDispose]: async () => void released.push(name) }
}

describe('ResourceScope', () => {
  it('releases last in, first out, and only once even if it is disposed repeatedly', async () => {
    const released: string[] = []
    const scope = new ResourceScope()
    scope.use('a', resource('a', released))
    scope.use('b', resource('b', released))
    await Promise.all([scope[Symbol.asyncDispose](), scope[Symbol.asyncDispose]()])
    await scope[Symbol.asyncDispose]()
    expect(released).toEqual(['b', 'a'])
  })

  it('releases the others if one fails or hangs, and names the failed ones', async () => {
    const released: string[] = []
    const scope = new ResourceScope()
    scope.use('a', resource('a', released))
    scope.defer('broken', () => Promise.reject(new Error('no')))
    scope.defer('hanging', () => new Promise(() => undefined), 10)
    const failure: unknown = await scope[Symbol.asyncDispose]().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ReleaseError)
    expect(String(failure)).toMatch(/hanging was not released within 10 ms; broken could not be released: no/)
    expect(released).toEqual(['a'])
  })
})

describe('ResourceScope.build', () => {
  it('returns the result with a release for all opened resources', async () => {
    const released: string[] = []
    const built = await ResourceScope.build(async (scope) => {
      scope.use('a', resource('a', released))
      return scope.use('b', resource('b', released))
    })
    expect(built.name).toBe('b')
    await built[Symbol.asyncDispose]()
    expect(released).toEqual(['b', 'a'])
  })

  it('releases open resources if opening fails midway', async () => {
    const released: string[] = []
    const failing = ResourceScope.build(async (scope) => {
      scope.use('a', resource('a', released))
      throw new Error('port taken')
    })
    await expect(failing).rejects.toThrow('port taken')
    expect(released).toEqual(['a'])
  })
})
