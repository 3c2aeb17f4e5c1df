import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GrowingBytes } from '../../../src/base/growing-bytes.ts'

test('chunks of any sizes become the same bytes in one piece', () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 40_000, size: 'max' }), { maxLength: 8 })
  fc.assert(
    fc.property(chunks, (arrays) => {
      const parts = arrays.map((array) => Buffer.from(array))
      const bytes = new GrowingBytes()
      for (const part of parts) bytes.append(part)
      expect(Buffer.concat(parts).equals(bytes.whole())).toBe(true)
      expect(bytes.length).toBe(bytes.whole().length)
    }),
    { numRuns: 200 },
  )
})
