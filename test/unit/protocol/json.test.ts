import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { isJsonObject, parseJson, parseJsonText } from '../../../src/protocol/json.ts'

test('numbers that a double cannot hold, or that are not written as integers, are no numbers', () => {
  expect(parseJsonText('[1, -2, 0, 9007199254740991]')).toEqual([1, -2, 0, 9_007_199_254_740_991])
  expect(parseJsonText('[1.0, 1e3, 0.5, 9007199254740992, 1E400]')).toEqual(Array(5).fill(Number.NaN))
})

test('whatever is written where a number may be, it is that exact integer, no number, or refused', () => {
  const character = fc.constantFrom(...'0123456789', ...'0199..eE+-')
  const texts = fc.oneof(
    fc.string({ unit: character, minLength: 1, maxLength: 22 }),
    fc.double().map(String),
    fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }).map(String),
  )
  const expected = (text: string) => {
    const value: unknown = JSON.parse(text)
    return /^-?\d+$/.test(text) && Number.isSafeInteger(value) ? value : Number.NaN
  }
  const attempt = (read: () => unknown) => {
    try {
      return read()
    } catch {
      return 'refused'
    }
  }
  fc.assert(
    fc.property(texts, fc.boolean(), (text, isInside) => {
      const value = attempt(() => parseJsonText(isInside ? `{"a":${text},"b":["${text}"]}` : text))
      const number = attempt(() => expected(text))
      const whole = number !== 'refused' && isInside ? { a: number, b: [text] } : number
      if (typeof number === 'string' || isInside) expect(value).toEqual(whole)
      else expect(value).toBe(number)
    }),
    { numRuns: 5000 },
  )
})

test('a key named __proto__ is a key like any other', () => {
  const value = parseJsonText('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": 1}}}')
  if (!isJsonObject(value)) throw new Error('Not an object')
  expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(value)).toBeNull()
  expect(value['polluted']).toBeUndefined()
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test('nesting is limited, but brackets inside strings do not count', () => {
  expect(() => parseJsonText('['.repeat(17) + ']'.repeat(17))).toThrow('invalid json: nested too deeply')
  expect(parseJsonText('['.repeat(16) + ']'.repeat(16))).toBeDefined()
  expect(parseJsonText(JSON.stringify(['[{'.repeat(100), '\\"[{'.repeat(100)]))).toBeDefined()
  expect(() => parseJsonText('['.repeat(1_000_000))).toThrow(ProtocolError)
})

test('as many values are read as may be, each with its key, and what is no JSON is not read on for long', () => {
  const members = (count: number) => Array.from({ length: count }, (_, at) => `"${at}":"1.5"`).join(',')
  expect(Object.keys(parseJsonText(`{${members(9)}}`, 10) as object)).toHaveLength(9)
  expect(() => parseJsonText(`{${members(10)}}`, 10)).toThrow('invalid json: too many values')
  for (const token of ['1.5 ', '1 ', '"" ', '"":', '-1e5 ']) {
    expect(() => parseJsonText(token.repeat(9).trim(), 10), token).toThrow('invalid json')
    expect(() => parseJsonText(`${token} `.repeat(21), 10), token).toThrow('invalid json: too many values')
  }
})

test('escaped quotes and backslashes at the end of a string are its own', () => {
  for (const text of ['', '"', '\\', '\\"', '"\\', '\\\\"a', 'a"b\\c"', '"'.repeat(100), '\\'.repeat(101)]) {
    expect(parseJsonText(JSON.stringify([text, 1]))).toEqual([text, 1])
  }
  for (const text of ['"', '"a', '"\\', '"\\"', '["a\\\\\\"]'])
    expect(() => parseJsonText(text)).toThrow('invalid json')
})

test('bytes that are no UTF-8 and text that is no JSON are refused', () => {
  expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow('invalid json: not UTF-8')
  for (const text of ['', '{', 'nul', '{"a":}', '1 2', "{'a':1}"])
    expect(() => parseJsonText(text)).toThrow('invalid json')
})

test('JSON of integers, strings, lists and objects comes back as it was', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.maxSafeInteger().map((number) => (Object.is(number, -0) ? 0 : number)),
      fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(value, (given) => {
      expect(JSON.stringify(parseJsonText(JSON.stringify(given)))).toBe(JSON.stringify(given))
    }),
    { numRuns: 100 },
  )
})

test('random bytes throw nothing but protocol errors', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.string().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        try {
          parseJson(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      },
    ),
    { numRuns: 2000 },
  )
})
