// Right parameters of each method, from which mutations start.
import type { MethodName } from '../../../src/protocol/client-api/methods.ts'

const TIMESTAMP = 1_800_000_000_000
const HASH = `${'A'.repeat(42)}/`
const TOKEN = Buffer.alloc(36, 3).toString('base64')

const session = { pubkey: `05${'a1'.repeat(32)}` }
const group = { pubkey: `03${'b2'.repeat(32)}` }
const signed = { ...session, pubkey_ed25519: 'c3'.repeat(32), signature: Buffer.alloc(64, 9).toString('base64') }
const bySubaccount = {
  ...group,
  signature: 'A'.repeat(86),
  subaccount: TOKEN,
  subaccount_sig: Buffer.alloc(64, 8).toString('base64'),
}
const timed = { timestamp: TIMESTAMP }
const listed = { messages: [HASH, HASH.toLowerCase()] }
const storing = { ...session, ...timed, ttl: 86_400_000, data: Buffer.from('some data').toString('base64') }

/** As pairs, for an object that has `then` would be taken for a promise. */
const BRANCHES = [
  ['if', { hf_at_least: [19, 3], v_before: [3, 0, 0], height_at_least: 1000 }],
  ['then', { method: 'info', params: {} }],
  ['else', { method: 'get_swarm', params: session }],
] as const

/** A method without a line here does not compile. */
export const METHOD_PARAMS = {
  active_nodes_bin: [{}],
  batch: [
    {
      requests: [
        { method: 'info', params: {} },
        { method: 'store', params: storing },
      ],
    },
  ],
  delete: [
    { ...signed, ...listed, required: true },
    { ...bySubaccount, ...listed },
  ],
  delete_all: [
    { ...signed, ...timed, namespace: 'all' },
    { ...group, ...timed, signature: 'A'.repeat(86) },
  ],
  delete_before: [{ ...signed, before: TIMESTAMP, namespace: -21 }],
  expire: [
    { ...signed, ...listed, expiry: [TIMESTAMP, TIMESTAMP + 1], extend: true },
    { ...signed, ...listed, expiry: TIMESTAMP, shorten: true },
  ],
  expire_all: [{ ...signed, expiry: TIMESTAMP, namespace: 5 }],
  get_expiries: [{ ...signed, ...timed, ...listed }],
  get_swarm: [session, { pubKey: session.pubkey }],
  ifelse: [Object.fromEntries(BRANCHES)],
  info: [{}],
  monitor: [
    {
      P: 'c3'.repeat(32),
      n: [-21, 0, 5],
      d: true,
      t: TIMESTAMP / 1000,
      s: Buffer.alloc(64, 9).toString('base64'),
      last: { '0': HASH },
    },
    { p: `03${'b2'.repeat(32)}`, T: TOKEN, S: 'ab'.repeat(64), n: [11], t: TIMESTAMP / 1000, s: 'ab'.repeat(64) },
  ],
  oxend_request: [
    {
      endpoint: 'get_service_nodes',
      params: { active_only: true, limit: 5, fields: { public_ip: true, swarm: true } },
    },
    { endpoint: 'ons_resolve', params: { type: 0, name_hash: 'a' } },
  ],
  retrieve: [
    { ...signed, ...timed, namespace: 5, last_hash: HASH, max_count: 10, max_size: -2, reverse_direction: true },
    { ...session, namespace: -21 },
  ],
  revoke_subaccount: [{ ...signed, ...timed, revoke: [TOKEN, TOKEN] }],
  revoked_subaccounts: [{ ...signed, ...timed }],
  sequence: [{ requests: [{ method: 'delete', params: { ...signed, ...listed } }] }],
  store: [
    storing,
    { ...signed, timestamp: String(TIMESTAMP), ttl: '60000', namespace: 3, sig_timestamp: TIMESTAMP, data: 'AA==' },
    { ...session, ...timed, expiry: TIMESTAMP + 60_000, data: '' },
  ],
  unrevoke_subaccount: [{ ...signed, ...timed, unrevoke: TOKEN }],
} as const satisfies Record<MethodName, readonly object[]>

export function paramsSeeds(method: MethodName): readonly Uint8Array[] {
  return METHOD_PARAMS[method].map((params) => Buffer.from(JSON.stringify(params)))
}

/** Whole requests: an envelope around each. */
export function requestSeeds(): readonly Uint8Array[] {
  return Object.entries(METHOD_PARAMS).flatMap(([method, list]) =>
    list.map((params) => Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))),
  )
}
