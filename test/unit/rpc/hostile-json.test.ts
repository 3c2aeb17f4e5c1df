// JSON that is written to be understood wrongly: numbers that a double rounds, keys of every object's prototype, keys twice, texts
// that are nearly base64 or hex.
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/base/bytes.ts'
import { type MethodName, PARSERS } from '../../../src/protocol/client-api/methods.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { isJsonObject, parseJsonText } from '../../../src/protocol/json.ts'
import { METHOD_PARAMS } from '../fuzz/method-params.ts'
import { anAccount, createTestNetwork, START_MS } from './rpc-fixture.ts'

const alice = anAccount(1)

describe('a number', () => {
  /** Those that hold requests leave their parameters to others, and of the chain's query everything unknown is ignored. */
  const HOLDERS: readonly string[] = ['batch', 'sequence', 'oxend_request']
  const PLACE = 'a number'
  /** Each method with one of its numbers taken out, and where that was. */
  const holes = Object.entries(METHOD_PARAMS)
    .filter(([method]) => !HOLDERS.includes(method))
    .flatMap(([method, list]) =>
      list.flatMap((params) => placesOf(params).map((path) => [method, path, params] as const)),
    )

  function placesOf(value: unknown, path = ''): readonly string[] {
    if (typeof value === 'number') return [path]
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([key, inner]) => placesOf(inner, `${path}/${key}`))
  }

  function withNumber(params: object, path: string, number: string): string {
    const copy = JSON.parse(JSON.stringify(params))
    const keys = path.slice(1).split('/')
    const last = keys.pop() ?? ''
    const holder = keys.reduce((inner, key) => inner[key], copy)
    holder[last] = PLACE
    return JSON.stringify(copy).replace(JSON.stringify(PLACE), number)
  }

  function parse(method: string, text: string): unknown {
    const params = parseJsonText(text)
    if (!isJsonObject(params)) throw new Error('Not an object')
    return PARSERS[method as MethodName](params)
  }

  test.each(holes)('of %s at %s is an integer that a double holds, or refused', (method, path, params) => {
    const odd = ['1e3', '1.0', '1.5', '-1.0', '1E+2', '9007199254740992', '9007199254740993', '-9007199254740992']
    for (const number of [
      ...odd,
      '9223372036854775807',
      '9223372036854775808',
      '18446744073709551616',
      '1e400',
      '1e-400',
    ]) {
      expect(() => parse(method, withNumber(params, path, number)), number).toThrow(ProtocolError)
    }
    // Whatever becomes of these, it is not a crash; -0 is 0 in every text that is signed.
    for (const number of ['0', '-0', '1', '-1', '32768', '4294967296', '9007199254740991', '-9007199254740991']) {
      try {
        expect(JSON.stringify(parse(method, withNumber(params, path, number)))).not.toContain('-0')
      } catch (error) {
        expect(error, number).toBeInstanceOf(ProtocolError)
      }
    }
  })

  test.each(['1e12', '1.0', '-1', '+1', ' 1', '0x10', '', '1_000', '9007199254740993', '18446744073709551616', '١٢'])(
    'written as the text "%s" is refused where old clients write numbers as texts',
    (text) => {
      for (const field of ['timestamp', 'ttl']) {
        const params = JSON.stringify({ ...METHOD_PARAMS.store[0], [field]: text })
        expect(() => parse('store', params), field).toThrow(
          `Invalid value given for '${field}': ${JSON.stringify(text)}`,
        )
      }
    },
  )
})

describe('a key', () => {
  const ask = async (text: string) => {
    await using network = await createTestNetwork(1)
    const { status, body } = await network.first.handleJson(utf8(text), new AbortController().signal, 'https')
    return [status, body]
  }

  test('of a prototype gives no parameter and no method', async () => {
    const inherited = `{"__proto__":{"pubkey":"${alice.id}"},"constructor":{"prototype":{"pubkey":"${alice.id}"}}}`
    const missing = [400, "invalid request: Required field 'pubkey' missing"]
    expect(await ask(`{"method":"get_swarm","params":${inherited}}`)).toEqual(missing)
    expect(await ask(`{"__proto__":{"method":"info"},"params":{}}`)).toEqual([400, 'invalid json: no `method` field'])
    expect(await ask(`{"method":"info","__proto__":{"params":{}}}`)).toEqual([400, 'invalid json: no `params` field'])
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect(await ask(`{"method":"${name}","params":{}}`)).toEqual([400, `no method ${name}`])
      const query = `{"method":"oxend_request","params":{"endpoint":"${name}"}}`
      expect(await ask(query)).toEqual([400, `invalid request: Invalid oxend endpoint '${name}'`])
    }
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test('of a prototype names no field of a service node', async () => {
    const fields = '{"__proto__":true,"constructor":true,"toString":true,"swarm":true}'
    const query = `{"endpoint":"get_service_nodes","params":{"fields":${fields}}}`
    const [status, body] = await ask(`{"method":"oxend_request","params":${query}}`)
    const [node] = (body as { result: { service_node_states: object[] } }).result.service_node_states
    expect([status, Object.keys(node ?? {}).toSorted()]).toEqual([200, ['requested_unlock_height', 'swarm']])
  })

  test('that comes twice has its last value, as in existing servers', async () => {
    const [status, body] = await ask(`{"method":"store","params":{},"method":"info","params":{"a":1,"a":2}}`)
    expect([status, body]).toEqual([200, expect.objectContaining({ timestamp: START_MS })])
  })

  test('that a method does not know may hold anything, and is passed on as it came', async () => {
    await using network = await createTestNetwork(2)
    const params = { pubkey: alice.id, timestamp: START_MS, ttl: 60_000, data: 'AA==' }
    const text = JSON.stringify({ method: 'store', params }).replace('"ttl"', '"__proto__":{"ttl":1},"x":1e999,"ttl"')
    const { body } = await network.first.handleJson(utf8(text), new AbortController().signal, 'https')
    const results = Object.values((body as { swarm: Record<string, { hash?: string }> }).swarm)
    expect(results.map(({ hash }) => typeof hash)).toEqual(['string', 'string'])
  })
})

describe('a text', () => {
  const parseStore = (fields: object) => {
    const params = parseJsonText(JSON.stringify({ ...METHOD_PARAMS.store[0], ...fields }))
    return PARSERS.store(isJsonObject(params) ? params : {})
  }

  test.each([
    'A',
    'AAAAA',
    'AA=A',
    'AA=',
    'AAA==',
    'AA===',
    '=',
    'AA\n==',
    ' AAAA',
    'AA-_',
    'AA%3D',
    'ААAA',
    'AA\u0000A',
  ])('%j is no base64', (data) => {
    expect(() => parseStore({ data })).toThrow("Invalid 'data' value: not base64 encoded")
  })

  test.each(['', 'AA', 'AA==', 'AAA', 'AAA=', 'AAAA', 'AB==', '//'])('%j is base64', (data) => {
    expect(parseStore({ data }).data).toEqual(Buffer.from(data, 'base64'))
  })

  test.each([
    ...[
      `05${'a1'.repeat(31)}a`,
      `05${'a1'.repeat(31)}ag`,
      `05${'a1'.repeat(32)}00`,
      `0x${'a1'.repeat(32)}`,
      ` 5${'a1'.repeat(32)}`,
    ],
    ...[`05${'a1'.repeat(31)}\n1`, `05${'а1'.repeat(32)}`, '', '05'],
  ])('%j is no account', (pubkey) => {
    expect(() => parseStore({ pubkey })).toThrow('Pubkey must be 66 hex digits (33 bytes) long')
  })
})
