import { isIPv4 } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ipv4Text, parseIPv4 } from '../../../src/protocol/ipv4.ts'

test('addresses are read as Node reads them', () => {
  const part = fc.oneof(fc.nat(300).map(String), fc.constantFrom('', '00', '01', '-1', '1e1', ' 1', '0x1'))
  const odd = fc.array(part, { minLength: 3, maxLength: 5 }).map((parts) => parts.join('.'))
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), odd, fc.ipV6(), fc.string()), (text) => {
      const bytes = parseIPv4(text)
      expect(bytes !== undefined).toBe(isIPv4(text))
      if (bytes !== undefined) expect(ipv4Text(bytes)).toBe(text)
    }),
    { numRuns: 1000 },
  )
})
