// Ten thousand mutations of right inputs for each decoder of bytes from outside: nothing crashes, nothing takes long, and nothing
// but the errors of its own part comes out.
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { parseJson } from '../../../src/protocol/json.ts'
import { REQUEST_MAX_BYTES } from '../../../src/protocol/limits.ts'
import { createChance } from '../../support/chance.ts'
import { decodersIn, fuzz, leastCpuMs } from '../../support/fuzz.ts'
import { nodeDecoders } from './node-decoders.ts'
import { PROTOCOL_DECODERS } from './protocol-decoders.ts'

const NODE_DECODERS = await nodeDecoders()

test('every decoder of the protocol is fuzzed', () => {
  const fuzzed = new Set(PROTOCOL_DECODERS.map(({ name }) => name))
  expect(decodersIn('protocol').filter((name) => !fuzzed.has(name))).toEqual([])
})

describe('mutations are taken or refused by', () => {
  test.each([...PROTOCOL_DECODERS, ...NODE_DECODERS])('$name', (target) => fuzz(target, createChance()))
})

describe('a body of the largest size is read or refused in time, though it is made of', () => {
  const filled = (text: string) => text.repeat(REQUEST_MAX_BYTES / text.length)

  test.each([
    ['one string', `"${filled('a').slice(2)}"`],
    ['escaped quotes', `"${filled('\\"').slice(2)}"`],
    ['backslashes', `"${filled('\\\\').slice(2)}"`],
    ['escapes of characters', `"${filled('\\u00e9').slice(8)}"`],
    ['digits', filled('9')],
    ['numbers that are no integers', filled('1.0 ')],
    ['numbers and colons', filled('1.0:')],
    ['strings', filled('""')],
    ['keys', `{${filled('"a":1,').slice(8)}}`],
    ['nothing', filled(' ')],
    ['brackets', filled('[')],
    ['brackets and their ends', filled('[]')],
  ])('%s', (_, text) => {
    const bytes = Buffer.from(text)
    const leastMs = leastCpuMs(() => {
      try {
        parseJson(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    })
    expect(leastMs).toBeLessThan(LARGEST_MS)
  })
})

/** Reading ten million characters twice takes thirty; with a search or a copy for each of them, it takes half a second. */
const LARGEST_MS = 250

describe('the fuzzer finds a decoder that', () => {
  const seeds = [Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])]
  const findings = (decode: (bytes: Buffer) => unknown, given: readonly Uint8Array[] = seeds) => {
    fuzz({ name: 'bad', seeds: given, decode, throws: SyntaxError }, createChance())
  }

  test('believes a length', () => {
    const decode = (bytes: Buffer) => (bytes.length < 4 ? undefined : bytes.readUInt8(3 + bytes.readUInt32BE(0)))
    expect(() => findings(decode)).toThrow(/bad throws what it may not for [0-9a-f]*/)
  })

  test('does as much work as it is told', () => {
    let done = 0
    const decode = (bytes: Buffer) => {
      const work = bytes.length < 4 ? 0 : Math.min(bytes.readUInt32BE(0), 2 ** 27)
      for (let at = 0; at < work; at++) done = (done + at) | 0
    }
    expect(() => findings(decode)).toThrow(/to be less than 50/)
  })

  test('lets keys reach a prototype', () => {
    const decode = (bytes: Buffer) => {
      const target: Record<string, object> = {}
      for (const [key, value] of Object.entries(JSON.parse(bytes.toString()) as object)) {
        target[key] = Object.assign(target[key] ?? {}, value)
      }
    }
    try {
      expect(() => findings(decode, [Buffer.from('{"a":{"b":1}}')])).toThrow()
    } finally {
      for (const key of Object.keys(Object.prototype)) delete (Object.prototype as Record<string, unknown>)[key]
    }
  })
})
