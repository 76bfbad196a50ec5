import { describe, expect, it } from 'vitest'
import { joinUrl } from './join-url.ts'

describe('joinUrl', () => {
  it.each([
    ['https://a.example', '/b', 'https://a.example/b'],
    ['https://a.example/x//', '/b', 'https://a.example/x/b'],
    ['https://a.example/x?key=1', '/b', 'https://a.example/x/b?key=1'],
    ['https://a.example/x/?key=1', '', 'https://a.example/x/?key=1'],
    ['https://a.example/x#part', '', 'https://a.example/x'],
  ])('joins %s and %j', (base, path, expected) => {
    expect(joinUrl(base, path).href).toBe(expected)
  })
})
