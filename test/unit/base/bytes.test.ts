import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  asBuffer,
  bytesEqual,
  concat,
  fromBase64,
  fromHex,
  fromUtf8,
  toBase64,
  toBase64Unpadded,
  toHex,
  utf8,
} from '../../../src/base/bytes.ts'

const someBytes = fc.uint8Array({ maxLength: 80 })
const plain = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : [...bytes])

test('hex, base64 and UTF-8 give back what they were made of', () => {
  fc.assert(
    fc.property(someBytes, fc.string({ unit: 'binary' }), (bytes, text) => {
      expect(plain(fromHex(toHex(bytes)))).toEqual([...bytes])
      expect(plain(fromHex(toHex(bytes).toUpperCase()))).toEqual([...bytes])
      expect(plain(fromBase64(toBase64(bytes)))).toEqual([...bytes])
      expect(plain(fromBase64(toBase64Unpadded(bytes)))).toEqual([...bytes])
      expect(fromUtf8(utf8(text))).toBe(text)
    }),
  )
})

test.for(['0', 'abc', 'zz', '0x', ' 00', '00 ', '00\n', '0G', '٠٠'])('%j is not hex', (text) => {
  expect(fromHex(text)).toBeUndefined()
})

test.for([
  ['', []],
  ['AA', [0]],
  ['AA==', [0]],
  ['AAA', [0, 0]],
  ['AAA=', [0, 0]],
  ['AAAA', [0, 0, 0]],
  ['+/+/', [0xfb, 0xff, 0xbf]],
  // Trailing bits may be non-zero.
  ['AB', [0]],
  ['AB==', [0]],
  ['AAB=', [0, 0]],
  ['//', [0xff]],
] as const)('base64 %j is read as %j', ([text, bytes]) => {
  expect(plain(fromBase64(text))).toEqual(bytes)
})

test.for([
  ...['A', 'AAAAA', 'A=', 'A==', 'A===', 'AAAAA==='],
  ...['=', '==', '===', '====', 'AA=', 'AAA==', 'AAAA=', 'AAAA==', 'AAAA===='],
  ...['AA=A', 'A=AA', '=AAA', 'AA==AA==', 'AA==A'],
  ...['-_-_', 'AA AA', 'AAAA\n', '\nAAAA', 'AAA\u0000', 'AA.A', 'AAAé', 'ＡＡＡＡ'],
])('%j is not base64', (text) => {
  expect(fromBase64(text)).toBeUndefined()
})

test('any text is either refused or has the size that its digits say', () => {
  const digit = fc.constantFrom(...'AZaz09+/=-_ \n')
  fc.assert(
    fc.property(fc.string({ unit: digit, maxLength: 12 }), (text) => {
      const bytes = fromBase64(text)
      if (bytes !== undefined) expect(bytes.length).toBe(Math.floor((text.replaceAll('=', '').length * 3) / 4))
    }),
    { numRuns: 3_000 },
  )
})

test('base64 is what its grammar says, whatever characters a text has', () => {
  const digit = fc.constantFrom(...'AZaz09+/', ...'=-_ \n\u0000é\u0141\u012b\uff21')
  fc.assert(
    fc.property(fc.string({ unit: digit, maxLength: 9 }), (text) => {
      const [digits, padding = ''] = [text.replace(/=*$/, ''), /=*$/.exec(text)?.[0]]
      const isWhole = digits.length % 4 !== 1 && (padding === '' || (text.length % 4 === 0 && padding.length <= 2))
      expect(fromBase64(text) !== undefined).toBe(/^[A-Za-z0-9+/]*$/.test(digits) && isWhole)
    }),
    { numRuns: 5_000 },
  )
})

test('texts as long as the largest request are read, good and bad', () => {
  const long = 'A'.repeat(14 * 1024 * 1024)
  expect(fromBase64(long)?.length).toBe((long.length * 3) / 4)
  expect(fromBase64(`${long}!`)).toBeUndefined()
  expect(fromHex(`${long}g!`)).toBeUndefined()
})

test.for([[[0x80]], [[0xc0, 0xaf]], [[0xed, 0xa0, 0x80]], [[0xf4, 0x90, 0x80, 0x80]], [[0xe2, 0x82]]])(
  'bytes %j are not UTF-8',
  ([bytes]) => {
    expect(fromUtf8(Uint8Array.from(bytes ?? []))).toBeUndefined()
  },
)

test('a byte order mark stays, since it may have been signed', () => {
  expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa')
})

test('a view of larger memory is taken for what it shows', () => {
  const memory = Uint8Array.of(1, 2, 3, 4, 5)
  const view = memory.subarray(1, 4)
  expect(toHex(view)).toBe('020304')
  expect(plain(concat(view, view.subarray(1)))).toEqual([2, 3, 4, 3, 4])
  expect(bytesEqual(view, Uint8Array.of(2, 3, 4))).toBe(true)
  expect(bytesEqual(view, Uint8Array.of(2, 3))).toBe(false)
  memory[1] = 9
  expect(asBuffer(view)[0]).toBe(9)
})
