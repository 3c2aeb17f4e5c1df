import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, toHex, utf8 } from '../../../src/base/bytes.ts'
import { type BencodeValue, decodeBencode, encodeBencode } from '../../../src/protocol/bencode.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import vectors from '../../vectors/bencode.json' with { type: 'json' }

const depthMax = 16

/** What JSON has no words for: bytes as {"bytes": hex}, dictionaries as {"entries": {…}}. */
type Described = number | string | Described[] | { bytes: string } | { entries: Record<string, Described> }

function described(value: Described): BencodeValue {
  if (typeof value === 'number') return value
  if (typeof value === 'string') return utf8(value)
  if (Array.isArray(value)) return value.map(described)
  if ('bytes' in value) return Buffer.from(value.bytes, 'hex')
  return new Map(Object.entries(value.entries).map(([key, inner]) => [key, described(inner)]))
}

/** Equality of values without regard to which class of bytes holds them. */
function comparable(value: BencodeValue): unknown {
  if (value instanceof Uint8Array) return { bytes: toHex(value) }
  if (value instanceof Map)
    return { entries: [...value].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, comparable(inner)]) }
  return Array.isArray(value) ? value.map(comparable) : value
}

function codeOf(bytes: Uint8Array): string | undefined {
  try {
    decodeBencode(bytes)
    return undefined
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
}

const values = fc.letrec<{ value: BencodeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.maxSafeInteger().map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(fc.uint8Array({ maxLength: 4 }), tie('value')), { maxLength: 5 })
      .map((entries) => new Map(entries.map(([key, value]) => [Buffer.from(key).toString('latin1'), value]))),
  ),
})).value

test.each(vectors.valid)('$text means what the specification says', ({ text, value }) => {
  const expected = described(value as Described)
  expect(comparable(decodeBencode(Buffer.from(text, 'latin1')))).toEqual(comparable(expected))
  expect(Buffer.from(encodeBencode(expected)).toString('latin1')).toBe(text)
})

test.each(vectors.refused)('$text is refused: $why', ({ text, code }) => {
  expect(codeOf(Buffer.from(text, 'latin1'))).toBe(code)
})

test('any value comes back as it was, and its encoding is the only one', () => {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encodeBencode(value)
      const decoded = decodeBencode(bytes)
      expect(comparable(decoded)).toEqual(comparable(value))
      expect(toHex(encodeBencode(decoded))).toBe(toHex(bytes))
    }),
    { numRuns: 500 },
  )
})

test('keys are written in the order of their bytes, whatever order they were given in', () => {
  const entries: [string, BencodeValue][] = [
    ['~', 1],
    ['@', 2],
    ['\xff', 3],
    ['P', 4],
    ['', 5],
    ['PP', 6],
  ]
  const bytes = encodeBencode(new Map(entries))
  expect(Buffer.from(bytes).toString('latin1')).toBe('d0:i5e1:@i2e1:Pi4e2:PPi6e1:~i1e1:\xffi3ee')
  expect(decodeBencode(bytes)).toEqual(new Map(entries))
})

test('a value that ends early is refused, wherever it ends, and so is one with more behind it', () => {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encodeBencode(value)
      for (let end = 0; end < bytes.length; end++) expect(codeOf(bytes.subarray(0, end))).toBe('FRAME_TRUNCATED')
      expect(codeOf(concat(bytes, utf8('i0e')))).toBe('FRAME_MALFORMED')
    }),
    { numRuns: 50 },
  )
})

test('depth, number of values and length are bounded', () => {
  const nested = (depth: number) => utf8('l'.repeat(depth) + 'e'.repeat(depth))
  expect(codeOf(nested(depthMax))).toBeUndefined()
  expect(codeOf(nested(depthMax + 1))).toBe('FRAME_TOO_LARGE')
  expect(codeOf(utf8('l'.repeat(1_000_000)))).toBe('FRAME_TOO_LARGE')
  expect(codeOf(utf8(`l${'0:'.repeat(49_999)}e`))).toBeUndefined()
  expect(codeOf(utf8(`l${'0:'.repeat(50_000)}e`))).toBe('FRAME_TOO_LARGE')
  expect(decodeBencode(utf8('2:ab'), 4)).toEqual(Buffer.from('ab'))
  expect(() => decodeBencode(utf8('3:abc'), 4)).toThrow('invalid bencode: too long')
})

test('numbers and keys that have no encoding are not written', () => {
  expect(() => encodeBencode(1.5)).toThrow(RangeError)
  expect(() => encodeBencode(2 ** 53)).toThrow(RangeError)
  expect(() => encodeBencode(new Map([['ā', 1]]))).toThrow(RangeError)
  expect(Buffer.from(encodeBencode(-0)).toString()).toBe('i0e')
})

test('whatever bytes come, they are read or refused as a breach of the protocol', () => {
  const character = fc.constantFrom(...'dleei0123:-ab').map((char) => char.charCodeAt(0))
  const likely = fc.array(character, { maxLength: 40 }).map((bytes) => Uint8Array.from(bytes))
  const changed = fc.tuple(values, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([value, at, byte]) => {
    const bytes = Uint8Array.from(encodeBencode(value))
    bytes[at % bytes.length] = byte
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(likely, changed, fc.uint8Array({ maxLength: 60 })), (bytes) => {
      if (codeOf(bytes) !== undefined) return
      expect(toHex(encodeBencode(decodeBencode(bytes)))).toBe(toHex(bytes))
    }),
    { numRuns: 5000 },
  )
})
