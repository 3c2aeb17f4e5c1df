import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { ReplayTags } from '../../../src/onion-relay/replay-tags.ts'

const tag = (number: number) => createHash('sha256').update(String(number)).digest().subarray(0, 8)

test('among thirty thousand tags, each is found and no other', () => {
  const COUNT = 30_000
  const tags = new ReplayTags()
  let added = 0
  for (let number = 0; number < COUNT; number++) if (tags.add(tag(number))) added++
  expect(added).toBe(COUNT)
  expect(tags.size).toBe(COUNT)

  let found = 0
  let foundOthers = 0
  for (let number = 0; number < COUNT; number++) {
    if (tags.has(tag(number)) && !tags.add(tag(number))) found++
    if (tags.has(tag(number + COUNT))) foundOthers++
  }
  expect([found, foundOthers]).toEqual([COUNT, 0])
})

test('tags that share a place are kept apart', () => {
  const tags = new ReplayTags()
  for (let number = 1; number <= 100; number++) {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32LE(number * 0x100, 0)
    bytes.writeUInt32LE(16, 4)
    expect(tags.has(bytes)).toBe(false)
    expect(tags.add(bytes)).toBe(true)
    expect(tags.add(bytes)).toBe(false)
  }
})
