// Every text with which a client's parameters are refused, and what is taken. The texts are compared byte for byte by
// existing clients' test suites.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseBatchParams } from '../../../../src/protocol/client-api/batch.ts'
import { parseDeleteParams } from '../../../../src/protocol/client-api/delete.ts'
import { parseDeleteAllParams } from '../../../../src/protocol/client-api/delete-all.ts'
import { parseDeleteBeforeParams } from '../../../../src/protocol/client-api/delete-before.ts'
import { decodeEnvelope, encodeEnvelope } from '../../../../src/protocol/client-api/envelope.ts'
import { parseExpireParams } from '../../../../src/protocol/client-api/expire.ts'
import { parseExpireAllParams } from '../../../../src/protocol/client-api/expire-all.ts'
import { parseGetExpiriesParams } from '../../../../src/protocol/client-api/get-expiries.ts'
import { parseGetSwarmParams } from '../../../../src/protocol/client-api/get-swarm.ts'
import { PARSERS, parseMethodName } from '../../../../src/protocol/client-api/methods.ts'
import { parseOxendRequestParams } from '../../../../src/protocol/client-api/oxend-request.ts'
import { parseRetrieveParams, retrieveLimits } from '../../../../src/protocol/client-api/retrieve.ts'
import {
  parseRevokedSubaccountsParams,
  parseRevokeSubaccountParams,
  parseUnrevokeSubaccountParams,
} from '../../../../src/protocol/client-api/revocation.ts'
import { parseServiceNodeListParams } from '../../../../src/protocol/client-api/service-node-list.ts'
import { parseStoreParams } from '../../../../src/protocol/client-api/store.ts'
import { ProtocolError } from '../../../../src/protocol/errors.ts'
import { type JsonObject, type JsonValue, parseJsonText } from '../../../../src/protocol/json.ts'
import vectors from '../../../vectors/signatures.json' with { type: 'json' }

const pubkey = `05${'a1'.repeat(32)}`
const group = `03${'a1'.repeat(32)}`
const signature = 'A'.repeat(86)
const h1 = vectors.hashes.h1
const h2 = vectors.hashes.h2
const timestamp = 1_700_000_000_000

/** As it would arrive: parsed from text, so numbers keep their meaning. */
const params = (fields: object): JsonObject => parseJsonText(JSON.stringify(fields)) as JsonObject
const raw = (text: string): JsonObject => parseJsonText(text) as JsonObject

function refusal(parse: (params: JsonObject) => unknown, fields: object): string {
  try {
    parse(params(fields))
  } catch (error) {
    if (error instanceof ProtocolError) return error.message.replace(/^invalid request: /, '')
    throw error
  }
  return 'taken'
}

const storing = { pubkey, timestamp, ttl: 60_000, data: 'YWJj' }
const retrieving = { pubkey, namespace: 5, timestamp, signature }
const deleting = { pubkey, messages: [h1], signature }
const expiring = { pubkey, messages: [h1, h2], expiry: timestamp, signature }
const deletingAll = { pubkey, timestamp, signature }
const deletingBefore = { pubkey, before: timestamp, signature }
const expiringAll = { pubkey, expiry: timestamp, signature }
const asking = { pubkey, messages: [h1], timestamp, signature }

describe('wrong types', () => {
  test.each([
    [parseDeleteParams, deleting, 'required', 'boolean', [1, 'true', 0, {}]],
    [parseStoreParams, storing, 'ttl', 'positive integer', [-1, true, []]],
    [parseRetrieveParams, retrieving, 'max_count', 'integer', ['5', true, {}]],
    [parseRetrieveParams, retrieving, 'max_size', 'integer', ['5', [], false]],
    [parseRetrieveParams, retrieving, 'namespace', '16-bit integer', ['5', 'all', []]],
    [parseRetrieveParams, retrieving, 'reverse_direction', 'boolean', [1]],
    [parseStoreParams, storing, 'namespace', '16-bit integer', ['5']],
    [parseDeleteAllParams, deletingAll, 'namespace', 'integer or "all"', ['5', 'ALL', [], true]],
    [parseDeleteAllParams, deletingAll, 'timestamp', 'integer timestamp (in milliseconds)', [-1, '1', {}]],
    [parseDeleteBeforeParams, deletingBefore, 'namespace', 'integer or "all"', ['5', 'ALL', [], true]],
    [parseDeleteBeforeParams, deletingBefore, 'before', 'integer timestamp (in milliseconds)', [-1, '1', {}]],
    [parseExpireAllParams, expiringAll, 'namespace', 'integer or "all"', ['5', 'ALL', [], true]],
    [parseExpireAllParams, expiringAll, 'expiry', 'integer timestamp (in milliseconds)', [-1, '1', [timestamp]]],
    [parseStoreParams, storing, 'timestamp', 'integer timestamp (in milliseconds)', [-1, true, {}]],
    [parseStoreParams, storing, 'expiry', 'integer timestamp (in milliseconds)', ['1700000000000']],
    [parseStoreParams, storing, 'sig_timestamp', 'integer timestamp (in milliseconds)', ['1700000000000']],
    [parseDeleteParams, deleting, 'messages', 'string array', [1, {}, [1], [h1, null]]],
    [parseExpireParams, expiring, 'expiry', 'timestamp array', ['1', {}, [-1], [timestamp, 'x']]],
    [parseStoreParams, storing, 'data', 'string', [1, [], {}]],
    [parseStoreParams, storing, 'signature', 'string', [1]],
    [parseStoreParams, storing, 'pubkey', 'string', [1]],
    [parseRetrieveParams, retrieving, 'last_hash', 'string', [1]],
    [parseRetrieveParams, retrieving, 'subaccount', 'string', [1]],
    [parseRetrieveParams, retrieving, 'pubkey_ed25519', 'string', [1]],
  ] as const)('%o %o: %s must be %s', (parse, base, field, expected, values) => {
    for (const value of values) {
      expect(refusal(parse, { ...base, [field]: value })).toBe(
        `Invalid value given for '${field}': expected ${expected}`,
      )
    }
  })

  test.each(['1.5', '1e12', '1700000000000.0', '9007199254740993', '1e400'])('%s is no timestamp', (number) => {
    const text = JSON.stringify(deletingAll).replace(String(timestamp), number)
    expect(() => parseDeleteAllParams(raw(text))).toThrow(
      "invalid request: Invalid value given for 'timestamp': expected integer timestamp (in milliseconds)",
    )
  })
})

describe('missing and conflicting parameters', () => {
  test.each([
    [parseStoreParams, storing, ['pubkey', 'timestamp', 'data']],
    [parseRetrieveParams, retrieving, ['pubkey', 'timestamp', 'signature']],
    [parseDeleteParams, deleting, ['pubkey', 'messages', 'signature']],
    [parseExpireParams, expiring, ['pubkey', 'messages', 'expiry', 'signature']],
    [parseDeleteAllParams, deletingAll, ['pubkey', 'timestamp', 'signature']],
    [parseGetExpiriesParams, asking, ['pubkey', 'messages', 'timestamp', 'signature']],
    [parseGetSwarmParams, { pubkey }, ['pubkey']],
    [parseOxendRequestParams, { endpoint: 'ons_resolve' }, ['endpoint']],
  ] as const)('%o: what is missing or null is named', (parse, base, fields) => {
    expect(refusal(parse, base)).toBe('taken')
    for (const field of fields) {
      expect(refusal(parse, { ...base, [field]: undefined })).toBe(`Required field '${field}' missing`)
      expect(refusal(parse, { ...base, [field]: null })).toBe(`Required field '${field}' missing`)
    }
  })

  test('a store needs a ttl or an expiry, not both', () => {
    expect(refusal(parseStoreParams, { ...storing, ttl: null })).toBe("Required field 'expiry' or 'ttl' missing")
    expect(refusal(parseStoreParams, { ...storing, expiry: timestamp })).toBe("Cannot specify both 'expiry' and 'ttl'")
    expect(parseStoreParams(params({ ...storing, ttl: null, expiry: timestamp + 5 })).expiryMs).toBe(timestamp + 5)
  })

  test('an alias and its name exclude each other', () => {
    const { pubkey: _, ...rest } = storing
    expect(parseStoreParams(params({ ...rest, pubKey: pubkey })).account).toBe(pubkey)
    expect(refusal(parseStoreParams, { ...storing, pubKey: pubkey })).toBe("Cannot specify both 'pubkey' and 'pubKey'")
    expect(refusal(parseGetSwarmParams, { pubkey, pubKey: pubkey })).toBe("Cannot specify both 'pubkey' and 'pubKey'")
    expect(refusal(parseRetrieveParams, { ...retrieving, last_hash: h1, lastHash: h1 })).toBe(
      "Cannot specify both 'last_hash' and 'lastHash'",
    )
    expect(parseRetrieveParams(params({ ...retrieving, lastHash: h1 })).afterHash).toBe(h1)
    expect(refusal(parseDeleteParams, { ...deleting, pubkey: undefined, pubKey: pubkey })).toBe(
      "Required field 'pubkey' missing",
    )
  })
})

describe('values', () => {
  test.each([
    [
      parseStoreParams,
      { ...storing, timestamp: 999_999_999 },
      "Invalid timestamp for 'timestamp': timestamp must be in milliseconds",
    ],
    [
      parseExpireParams,
      { ...expiring, expiry: 5 },
      "Invalid timestamp for 'expiry': timestamp must be in milliseconds",
    ],
    [parseStoreParams, { ...storing, namespace: 32_768 }, "Invalid value given for 'namespace': value out of range"],
    [
      parseDeleteAllParams,
      { ...deletingAll, namespace: -32_769 },
      "Invalid value given for 'namespace': value out of range",
    ],
    [parseStoreParams, { ...storing, timestamp: 'soon' }, `Invalid value given for 'timestamp': "soon"`],
    [parseStoreParams, { ...storing, ttl: '1.5' }, `Invalid value given for 'ttl': "1.5"`],
    [parseStoreParams, { ...storing, ttl: '-5' }, `Invalid value given for 'ttl': "-5"`],
    [parseStoreParams, { ...storing, pubkey: pubkey.slice(2) }, 'Pubkey must be 66 hex digits (33 bytes) long'],
    [
      parseRetrieveParams,
      { ...retrieving, pubkey: `${pubkey.slice(2)}zz` },
      'Pubkey must be 66 hex digits (33 bytes) long',
    ],
    [parseGetSwarmParams, { pubkey: '05' }, 'Pubkey must be 66 hex digits/33 bytes long'],
    [parseStoreParams, { ...storing, data: 'a-_b' }, "Invalid 'data' value: not base64 encoded"],
    [parseStoreParams, { ...storing, data: 'abcde' }, "Invalid 'data' value: not base64 encoded"],
    [
      parseStoreParams,
      { ...storing, data: 'A'.repeat(102_404) },
      'Message body exceeds maximum allowed length of 76800 bytes',
    ],
    [parseStoreParams, { ...storing, data: '='.repeat(102_404) }, "Invalid 'data' value: not base64 encoded"],
    [parseDeleteParams, { ...deleting, messages: [] }, 'messages does not contain any message hashes'],
    [parseDeleteParams, { ...deleting, messages: [h1, 'abc'] }, 'invalid message hash: abc'],
    [
      parseDeleteParams,
      { ...deleting, messages: Array(1001).fill(h1) },
      'messages contains more than 1000 message hashes',
    ],
    [parseRetrieveParams, { ...retrieving, last_hash: '!'.repeat(43) }, 'Invalid last_hash: not base64'],
    [
      parseRetrieveParams,
      { ...retrieving, last_hash: 'A'.repeat(42) },
      'Invalid last_hash: expected base64 (43 chars)',
    ],
    [parseExpireParams, { ...expiring, expiry: [] }, "'expiry' does not contain any expiration timestamps"],
    [
      parseExpireParams,
      { ...expiring, expiry: [timestamp, timestamp, timestamp] },
      "'expiry' must be a single expiry, or the same length as 'messages'",
    ],
    [parseExpireParams, { ...expiring, shorten: true, extend: true }, "cannot specify both 'shorten' and 'extend'"],
    [parseOxendRequestParams, { endpoint: 'get_info' }, "Invalid oxend endpoint 'get_info'"],
  ] as const)('%o refuses %o', (parse, fields, text) => {
    expect(refusal(parse, fields)).toBe(text)
  })

  test('the longest text of a refusal is bounded, whatever it repeats', () => {
    expect(refusal(parseDeleteParams, { ...deleting, messages: ['x'.repeat(100_000)] }).length).toBeLessThan(600)
  })

  test('the largest message is taken', () => {
    const data = Buffer.alloc(76_800, 7)
    expect(parseStoreParams(params({ ...storing, data: data.toString('base64') })).data).toEqual(data)
  })

  test('old clients may send timestamp and ttl of a store as strings', () => {
    const request = parseStoreParams(params({ ...storing, timestamp: String(timestamp), ttl: '60000' }))
    expect([request.timestampMs, request.expiryMs]).toEqual([timestamp, timestamp + 60_000])
  })

  test('one bare string is a list of hashes, and one bare timestamp a list of expiries', () => {
    expect(parseDeleteParams(params({ ...deleting, messages: h1 })).hashes).toEqual([h1])
    expect(parseExpireParams(params(expiring)).expiriesMs).toEqual([timestamp])
    expect(parseExpireParams(params({ ...expiring, expiry: [5, 6] })).expiriesMs).toEqual([5, 6])
  })

  test('get_expiries does not enforce the syntax of hashes', () => {
    expect(parseGetExpiriesParams(params({ ...asking, messages: ['all'] })).hashes).toEqual(['all'])
  })

  test('an unknown parameter is ignored', () => {
    expect(refusal(parseGetSwarmParams, { pubkey, params: { active_only: true } })).toBe('taken')
  })
})

describe('authentication', () => {
  const token = vectors.subaccount_token_b64
  const withToken = { ...deleting, subaccount: token, subaccount_sig: vectors.subaccount_sig_b64 }

  test.each([
    [{ ...deleting, signature: 'A'.repeat(85) }, 'invalid signature: expected base64 encoded Ed25519 signature'],
    [{ ...deleting, signature: `${'A'.repeat(86)}=` }, 'invalid signature: expected base64 encoded Ed25519 signature'],
    [{ ...deleting, signature: `${'A'.repeat(85)}-` }, 'invalid signature: expected base64 encoded Ed25519 signature'],
    [{ ...deleting, signature: 'A'.repeat(88) }, 'invalid signature: expected base64 encoded Ed25519 signature'],
    [
      { ...deleting, pubkey: group, pubkey_ed25519: 'ab'.repeat(32) },
      'pubkey_ed25519 is only permitted for 05[...] pubkeys',
    ],
    [{ ...deleting, pubkey_ed25519: 'zz'.repeat(32) }, 'invalid pubkey_ed25519: value is not hex'],
    [{ ...deleting, pubkey_ed25519: 'ab' }, 'Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey'],
    [
      { ...withToken, subaccount_sig: undefined },
      'invalid subaccount: subaccount_sig is required when using subaccount',
    ],
    [{ ...withToken, subaccount: 'abc' }, 'invalid subaccount: expected base64 or hex-encoded subaccount token'],
    [
      { ...withToken, subaccount_sig: 'abc' },
      'invalid subaccount signature: expected base64 encoded Ed25519 signature',
    ],
  ])('%o is refused', (fields, text) => {
    expect(refusal(parseDeleteParams, fields)).toBe(text)
  })

  test('signatures come with and without padding, keys in either case, tokens as base64 or hex', () => {
    expect(
      parseDeleteParams(params({ ...deleting, signature: `${signature}==` })).authentication.signature,
    ).toHaveLength(64)
    const { ed25519 } = parseDeleteParams(params({ ...deleting, pubkey_ed25519: 'AB'.repeat(32) })).authentication
    expect(ed25519).toEqual(Buffer.alloc(32, 0xab))
    const { subaccount } = parseDeleteParams(params(withToken)).authentication
    const hex = parseDeleteParams(params({ ...withToken, subaccount: vectors.subaccount_token_hex })).authentication
    expect(subaccount).toEqual(hex.subaccount)
    expect(parseDeleteParams(params({ ...deleting, subaccount: '' })).authentication.subaccount).toBeUndefined()
  })

  test('only an owner revokes, so whatever is said of a subaccount is an unknown parameter', () => {
    const owner = { pubkey: group, timestamp, signature }
    const unknown = { subaccount: 5, subaccount_sig: [] }
    expect(refusal(parseRevokeSubaccountParams, { ...owner, revoke: [token], ...unknown })).toBe('taken')
    expect(refusal(parseUnrevokeSubaccountParams, { ...owner, unrevoke: token, ...unknown })).toBe('taken')
    expect(refusal(parseRevokedSubaccountsParams, { ...owner, ...unknown })).toBe('taken')
  })

  test('a store without a signature ignores the rest of the authentication', () => {
    const request = parseStoreParams(params({ ...storing, pubkey_ed25519: 'nonsense', subaccount: 'x' }))
    expect(request.authentication).toBeUndefined()
    expect(parseStoreParams(params({ ...storing, signature, sig_timestamp: timestamp + 1 })).signedMs).toBe(
      timestamp + 1,
    )
    expect(parseStoreParams(params({ ...storing, signature })).signedMs).toBe(timestamp)
  })

  test('a retrieve is signed as soon as it names anything of a signature, or a namespace that needs one', () => {
    const signed = (fields: object) => parseRetrieveParams(params({ pubkey, ...fields })).signed !== undefined
    expect(signed({})).toBe(false)
    expect(signed({ namespace: -10 })).toBe(false)
    expect(signed({ namespace: -21 })).toBe(false)
    expect(signed({ namespace: null })).toBe(false)
    expect(signed({ namespace: 0, timestamp, signature })).toBe(true)
    expect(signed({ namespace: -10, timestamp, signature })).toBe(true)
    for (const fields of [{ namespace: 0 }, { timestamp }, { pubkey_ed25519: 'ab'.repeat(32) }, { namespace: -11 }]) {
      expect(refusal(parseRetrieveParams, { pubkey, ...fields })).toBe("Required field 'signature' missing")
    }
    expect(refusal(parseRetrieveParams, { pubkey, signature })).toBe("Required field 'timestamp' missing")
  })
})

describe('limits of a retrieve', () => {
  test.each([
    [undefined, undefined, { sizeMax: 1_560_000 }],
    [0, 0, { sizeMax: 1_560_000 }],
    [10, undefined, { countMax: 10, sizeMax: 7_800_000 }],
    [10, 0, { countMax: 10, sizeMax: 7_800_000 }],
    [-3, undefined, { countMax: 1, sizeMax: 7_800_000 }],
    [undefined, -1, { sizeMax: 7_800_000 }],
    [undefined, -3, { sizeMax: 2_600_000 }],
    [undefined, -8, { sizeMax: 975_000 }],
    [undefined, -8_000_000, { sizeMax: 0 }],
    [undefined, 500_000, { sizeMax: 500_000 }],
    [undefined, 8_000_000, { sizeMax: 7_800_000 }],
  ])('count %s and size %s make %o', (count, size, limits) => {
    expect(retrieveLimits(count, size)).toEqual(limits)
  })

  test('an empty last_hash is none', () => {
    expect(parseRetrieveParams(params({ ...retrieving, last_hash: '' })).afterHash).toBeUndefined()
    expect(parseRetrieveParams(params({ ...retrieving, last_hash: '/'.repeat(43) })).afterHash).toBe('/'.repeat(43))
  })
})

describe('envelope, batch and list', () => {
  const bytes = (text: string) => Buffer.from(text)

  test.each([
    ['', 'invalid json'],
    ['[]', 'invalid json'],
    ['"x"', 'invalid json'],
    ['{}', 'invalid json: no `method` field'],
    ['{"method": 5, "params": {}}', 'invalid json: no `method` field'],
    ['{"method": "info"}', 'invalid json: no `params` field'],
    ['{"method": "info", "params": []}', 'invalid json: no `params` field'],
    ['{"method": "info", "params": null}', 'invalid json: no `params` field'],
  ])('%s is refused as %s', (text, message) => {
    expect(() => decodeEnvelope(bytes(text))).toThrow(expect.objectContaining({ message }))
  })

  test('an envelope comes back as it was, without its other keys', () => {
    const text = '{"jsonrpc":"2.0","id":1,"method":"store","params":{"a":[1,"b"]}}'
    expect(encodeEnvelope(decodeEnvelope(bytes(text)))).toEqual(bytes('{"method":"store","params":{"a":[1,"b"]}}'))
  })

  test.each([
    [{}, 'Invalid batch request: no valid "requests" field'],
    [{ requests: {} }, 'Invalid batch request: no valid "requests" field'],
    [{ requests: [] }, 'Invalid batch request: no valid "requests" field'],
    [{ requests: Array(21).fill({ method: 'info', params: {} }) }, 'Invalid batch request: subrequest limit exceeded'],
    [
      { requests: Array(4).fill({ method: 'oxend_request', params: {} }) },
      'Invalid batch request: too many oxend_request subrequests',
    ],
    [{ requests: ['info'] }, 'Invalid batch request: requests must be objects'],
    [{ requests: [{ method: 'info' }] }, 'Invalid batch request: subrequests must have method/params keys'],
    [{ requests: [{ params: {} }] }, 'Invalid batch request: subrequests must have method/params keys'],
  ])('a batch of %o is refused', (fields, text) => {
    expect(refusal(parseBatchParams, fields)).toBe(text)
  })

  test('the fields of a list are named by an object or an array', () => {
    const fields = new Set(['public_ip', 'swarm'])
    expect(
      parseServiceNodeListParams(params({ fields: { public_ip: true, swarm: true, height: true, funded: false } })),
    ).toEqual({
      fields,
    })
    expect(parseServiceNodeListParams(params({ fields: ['public_ip', 'swarm', 'toString', 5] }))).toEqual({ fields })
    expect(parseServiceNodeListParams(params({ active_only: true, limit: 5 }))).toEqual({ limit: 5 })
    expect(parseServiceNodeListParams(params({ fields: 'all', limit: -1 }))).toEqual({})
  })

  test('methods are found by their names and an old alias, and by nothing that objects inherit', () => {
    expect(parseMethodName('get_snodes_for_pubkey')).toBe('get_swarm')
    expect(parseMethodName('store')).toBe('store')
    for (const name of ['', 'Store', 'toString', '__proto__', 'constructor'])
      expect(parseMethodName(name)).toBeUndefined()
  })
})

test('whatever the parameters, a parser throws nothing but a refusal', () => {
  const fields = [
    ...['pubkey', 'pubKey', 'timestamp', 'ttl', 'expiry', 'data', 'namespace', 'signature', 'pubkey_ed25519'],
    ...[
      'messages',
      'max_count',
      'last_hash',
      'subaccount',
      'subaccount_sig',
      'requests',
      'fields',
      'endpoint',
      '__proto__',
    ],
  ]
  const value = fc.oneof(
    fc.constantFrom<JsonValue>(
      pubkey,
      group,
      signature,
      h1,
      timestamp,
      [h1, h2],
      [timestamp],
      'all',
      null,
      true,
      -1,
      Number.NaN,
    ),
    fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(PARSERS)),
      fc.dictionary(fc.constantFrom(...fields), value, { noNullPrototype: false }),
      (parse, given) => {
        try {
          parse(given)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
          expect(error).toHaveProperty('code', 'PARAMETER_INVALID')
        }
      },
    ),
    { numRuns: 3000 },
  )
})
