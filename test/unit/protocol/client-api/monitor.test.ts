// The dictionaries of subscriptions in both forms. What a node says to wrong ones: test/unit/rpc/monitor.test.ts.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, fromBase64, fromHex, toBase64, toHex, utf8 } from '../../../../src/base/bytes.ts'
import { ed25519KeyPairFromSeed } from '../../../../src/crypto/keys.ts'
import { sign } from '../../../../src/crypto/signature.ts'
import { accountIdBytes, parseAccountId } from '../../../../src/protocol/account.ts'
import { decodeBencode, encodeBencode } from '../../../../src/protocol/bencode.ts'
import {
  isMonitorTimestampTaken,
  type MonitorRequest,
  monitorSignedText,
  parseMonitorParams,
  readMonitorRequest,
} from '../../../../src/protocol/client-api/monitor.ts'
import { MONITOR_ERROR } from '../../../../src/protocol/client-api/monitor-error.ts'
import {
  decodeMonitorFrame,
  encodeMonitorAnswers,
  encodeMonitorEnd,
  encodeNotification,
  type MonitorForm,
} from '../../../../src/protocol/client-api/monitor-frame.ts'
import { ProtocolError } from '../../../../src/protocol/errors.ts'
import { type JsonObject, parseJsonText } from '../../../../src/protocol/json.ts'
import { hashMessage } from '../../../../src/protocol/message.ts'
import vectors from '../../../vectors/signatures.json' with { type: 'json' }

const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array()
const owner = ed25519KeyPairFromSeed(bytes(vectors.account_seed))
const group = parseAccountId(vectors.group_id)
if (group === undefined) throw new Error('Not an account id')
const vector = vectors.vectors.find(({ name }) => name.startsWith('monitor'))
const signature = fromBase64(vector?.signature_b64 ?? '') ?? new Uint8Array()
const token = bytes(vectors.subaccount_token_hex)
const tokenSignature = fromBase64(vectors.subaccount_sig_b64) ?? new Uint8Array()

/** What the vector signs. */
const request: MonitorRequest = {
  owner: { account: group },
  wantsData: true,
  namespaces: [-5, 0, 23],
  signature,
  timestampS: 1_700_000_000,
}

const latin1 = (data: Uint8Array) => Buffer.from(data).toString('latin1')
const text = (data: Uint8Array) => Buffer.from(data).toString('utf8')

/** Bytes as hex: which class holds them does not matter. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, comparable(inner)]))
}

function read(frame: Uint8Array, form: MonitorForm): readonly unknown[] {
  return decodeMonitorFrame(frame, form).dictionaries.map((fields) => comparable(readMonitorRequest(fields)))
}

describe('a request', () => {
  test('is signed as clients sign it', () => {
    const signed = monitorSignedText(group, request)
    expect(toHex(signed)).toBe(vector?.message_hex)
    expect(toBase64(sign(signed, owner.secretKey))).toBe(vector?.signature_b64)
  })

  test('is read from bencode, its keys in the order of their bytes', () => {
    const frame = concat(
      utf8('d1:di1e1:nli-5ei0ei23ee1:p33:'),
      accountIdBytes(group),
      utf8('1:s64:'),
      signature,
      utf8('1:ti1700000000ee'),
    )
    expect(read(frame, 'bencode')).toEqual([comparable(request)])
    for (let end = 0; end < frame.length; end++) {
      expect(() => read(frame.subarray(0, end), 'bencode')).toThrow(ProtocolError)
    }
  })

  test('is read from JSON, whose bytes are hex or base64', () => {
    const fields = { d: true, n: [-5, 0, 23], t: 1_700_000_000 }
    const hex = { ...fields, p: group.toUpperCase(), s: toHex(signature) }
    const base64 = { ...fields, d: 1, p: toBase64(accountIdBytes(group)), s: toBase64(signature).replace(/=+$/, '') }
    for (const given of [hex, base64, { ...base64, P: null, S: null }]) {
      expect(read(utf8(JSON.stringify(given)), 'json')).toEqual([comparable(request)])
    }
  })

  test('may be one of a list, and come from a subaccount', () => {
    const fields = { P: owner.publicKey, S: tokenSignature, T: token, n: [0], s: signature, t: 5 }
    const list = encodeBencode([new Map(Object.entries(fields)), new Map(Object.entries(fields))])
    const expected = {
      owner: { ed25519: owner.publicKey },
      subaccount: { token, signature: tokenSignature },
      wantsData: false,
      namespaces: [0],
      signature,
      timestampS: 5,
    }
    expect(read(list, 'bencode')).toEqual([comparable(expected), comparable(expected)])
    expect(decodeMonitorFrame(list, 'bencode').isList).toBe(true)
    const json = {
      P: toHex(owner.publicKey),
      S: toBase64(tokenSignature),
      T: toHex(token),
      n: [0],
      s: toHex(signature),
    }
    expect(read(utf8(JSON.stringify({ ...json, T: toBase64(token), t: 5 })), 'json')).toEqual([comparable(expected)])
    expect(read(utf8(JSON.stringify({ ...json, t: 5 })), 'json')).toEqual([comparable(expected)])
  })

  test('is taken when it was signed in the last two weeks, or up to a day ahead', () => {
    const now = 1_700_000_000
    const taken = (seconds: number) => isMonitorTimestampTaken(seconds, now * 1000)
    expect([now - 14 * 86_400, now, now + 86_400].map(taken)).toEqual([true, true, true])
    expect([now - 14 * 86_400 - 1, now + 86_401, now * 1000, -1, 0].map(taken)).toEqual(Array(5).fill(false))
  })

  test('that waits says what is known, for the namespaces that it is about', () => {
    const h = vectors.hashes.h1
    const fields = { p: group, n: [0, 11], t: 5, s: toHex(signature) }
    const lastOf = (last: unknown) =>
      parseMonitorParams(parseJsonText(JSON.stringify({ ...fields, last })) as JsonObject).lastHashes
    expect(lastOf({ 0: h, 11: '', 12: 5 })).toEqual(new Map([[0, h]]))
    expect([lastOf(null), lastOf(undefined), lastOf({})]).toEqual([new Map(), new Map(), new Map()])
    const wrong = "invalid request: Invalid value given for 'last': expected"
    for (const last of [[], 'x', 5]) expect(() => lastOf(last)).toThrow(`${wrong} object`)
    for (const last of ['x', 5, `${h}=`]) expect(() => lastOf({ 0: last })).toThrow(`${wrong} message hashes`)
  })
})

describe('what a node sends', () => {
  const data = utf8('hello')
  const hash = hashMessage(group, -11, data)
  const message = {
    account: group,
    namespace: -11,
    hash,
    timestampMs: 1_700_000_000_000,
    expiryMs: 1_700_000_060_000,
    data,
  }

  test('answers one with a dictionary and a list with a list', () => {
    const refusal = { errcode: MONITOR_ERROR.wrongSwarm, error: 'Wrong swarm', swarm: { snodes: [], swarm: 'ab' } }
    expect(latin1(encodeMonitorAnswers([{ success: 1 }], false, 'bencode'))).toBe('d7:successi1ee')
    expect(latin1(encodeMonitorAnswers([{ success: 1 }, refusal], true, 'bencode'))).toBe(
      'ld7:successi1eed7:errcodei6e5:error11:Wrong swarm5:swarmd6:snodesle5:swarm2:abeee',
    )
    expect(text(encodeMonitorAnswers([{ success: 1 }], false, 'json'))).toBe('{"success":1}')
    expect(JSON.parse(text(encodeMonitorAnswers([refusal], true, 'json')))).toEqual([refusal])
    expect(latin1(encodeMonitorAnswers([], true, 'bencode'))).toBe('le')
  })

  test('is a notification, with data or without', () => {
    const account = latin1(accountIdBytes(group))
    const fields = `1:@33:${account}1:h43:${hash}1:ni-11e1:ti1700000000000e1:zi1700000060000e`
    expect(latin1(encodeNotification(message, false, 'bencode'))).toBe(`d${fields}e`)
    expect(latin1(encodeNotification(message, true, 'bencode'))).toBe(`d${fields}1:~5:helloe`)
    const json = { '@': group, h: hash, n: -11, t: 1_700_000_000_000, z: 1_700_000_060_000 }
    expect(JSON.parse(text(encodeNotification(message, false, 'json')))).toEqual(json)
    expect(JSON.parse(text(encodeNotification(message, true, 'json')))).toEqual({ ...json, '~': 'aGVsbG8=' })
  })

  test('is an end, which says of what and why, and where to go', () => {
    const snode = { ip: '10.0.0.1', port_https: 22_021, isNew: true, nothing: null }
    const end = {
      account: group,
      namespaces: [-11, 0],
      errcode: MONITOR_ERROR.wrongSwarm,
      error: 'Wrong swarm',
      swarm: { snodes: [snode], swarm: '0' },
    }
    const decoded = decodeBencode(encodeMonitorEnd(end, 'bencode'))
    expect(latin1(encodeBencode(decoded))).toContain(
      '7:errcodei6e5:error11:Wrong swarm1:nli-11ei0ee5:swarmd6:snodesld2:ip8:10.0.0.15:isNewi1e10:port_httpsi22021eee5:swarm1:0ee',
    )
    const { account, namespaces, ...rest } = end
    expect(JSON.parse(text(encodeMonitorEnd(end, 'json')))).toEqual({ '@': account, n: namespaces, ...rest })
  })
})

test('whatever comes, in either form, is read or refused with a code', () => {
  const field = fc.constantFrom('P', 'p', 'S', 'T', 'd', 'n', 's', 't', 'x')
  const values = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 66 }),
    fc.constantFrom(accountIdBytes(group), signature, token, owner.publicKey),
    fc.integer({ min: -1, max: 2 ** 31 }),
    fc.array(fc.integer({ min: -40_000, max: 40_000 }), { maxLength: 3 }),
  )
  const outcome = (frame: Uint8Array, form: MonitorForm) => {
    try {
      return read(frame, form)
    } catch (error) {
      if (error instanceof ProtocolError) return error.details['errcode'] ?? 'not read'
      throw error
    }
  }
  fc.assert(
    fc.property(fc.dictionary(field, values), (fields) => {
      const bencode = outcome(encodeBencode(new Map(Object.entries(fields))), 'bencode')
      const inText = Object.entries(fields).map(([key, value]) => [
        key,
        value instanceof Uint8Array ? toBase64(value) : value,
      ])
      // What the one form takes or refuses, so does the other.
      expect(outcome(utf8(JSON.stringify(Object.fromEntries(inText))), 'json')).toEqual(bencode)
    }),
    { numRuns: 3000 },
  )
})
