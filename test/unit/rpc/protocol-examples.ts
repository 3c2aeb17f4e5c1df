// The requests that docs/protocol shows, in the order in which they are sent. Everything in them follows from the keys of two
// people and a clock that stands still: account seed 01 repeated, subaccount seed 02 repeated.
import { concat, toBase64, toHex, utf8 } from '../../../src/base/bytes.ts'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import { SUBACCOUNT_READ, SUBACCOUNT_WRITE, subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import { hashMessage } from '../../../src/protocol/message.ts'
import type { Asked, MethodRequest } from './protocol-network.ts'
import { anAccount, START_MS } from './rpc-fixture.ts'

export interface Example extends MethodRequest {
  /** What the page calls it. */
  readonly name: string
  readonly asked?: Asked
}

const alice = anAccount(1)
const member = anAccount(2)
const group = alice.groupId
const data = (text: string) => toBase64(utf8(text))
const hashOf = (account: AccountId, namespace: number, text: string) => hashMessage(account, namespace, utf8(text))
/** Of a Session id, which names the key that verifies. */
const signed = (text: string) => ({ pubkey_ed25519: alice.ed25519, signature: alice.sign(text) })

const GREETING = 'Hello, Alice'
const PROFILE = 'my profile, encrypted'
const NEWS = 'to the group'
const greeting = hashOf(alice.id, 0, GREETING)
const profile = hashOf(alice.id, 2, PROFILE)
const NEVER_STORED = 'A'.repeat(43)

const token = subaccountToken(0x03, SUBACCOUNT_READ | SUBACCOUNT_WRITE, member.pair.publicKey)
const asMember = (text: string) => ({
  subaccount: toBase64(token),
  subaccount_sig: alice.sign(token),
  signature: member.sign(text),
})
const revocation = (method: string) => ({
  timestamp: START_MS,
  signature: alice.sign(concat(utf8(`${method}${START_MS}`), token)),
})
/** In a sequence the first that fails ends it, so the second stands for those after it. */
const retrieveOwn = (namespace: number) => ({
  method: 'retrieve',
  params: {
    pubkey: alice.id,
    namespace,
    last_hash: '',
    max_size: -2,
    timestamp: START_MS,
    ...signed(`retrieve${namespace === 0 ? '' : namespace}${START_MS}`),
  },
})

const storeGreeting = { pubkey: alice.id, timestamp: START_MS, ttl: 14 * DAY, data: data(GREETING) }

export const EXAMPLES: readonly Example[] = [
  { name: 'info', method: 'info', params: {} },
  { name: 'get_swarm', method: 'get_swarm', params: { pubkey: alice.id } },
  {
    name: 'get_service_nodes',
    method: 'oxend_request',
    params: {
      endpoint: 'get_service_nodes',
      params: { fields: { public_ip: true, storage_port: true, pubkey_x25519: true, pubkey_ed25519: true } },
    },
  },
  { name: 'store', method: 'store', params: storeGreeting },
  { name: 'store, again', method: 'store', params: { ...storeGreeting, ttl: HOUR } },
  {
    name: 'store, signed',
    method: 'store',
    params: {
      pubkey: alice.id,
      namespace: 2,
      timestamp: START_MS,
      ttl: 30 * DAY,
      data: data(PROFILE),
      ...signed(`store2${START_MS}`),
    },
  },
  {
    name: 'store, as a subaccount',
    method: 'store',
    params: {
      pubkey: group,
      namespace: 11,
      timestamp: START_MS,
      ttl: 14 * DAY,
      data: data(NEWS),
      ...asMember(`store11${START_MS}`),
    },
  },
  { name: 'store, elsewhere', asked: 'outsider', method: 'store', params: storeGreeting },
  {
    name: 'store, unsigned',
    method: 'store',
    params: { ...storeGreeting, namespace: 2 },
  },
  { name: 'retrieve', ...retrieveOwn(0) },
  {
    name: 'retrieve, as a subaccount',
    method: 'retrieve',
    params: { pubkey: group, namespace: 11, timestamp: START_MS, ...asMember(`retrieve11${START_MS}`) },
  },
  {
    name: 'monitor',
    method: 'monitor',
    params: { p: group, n: [11], t: START_MS / 1000, s: alice.sign(`MONITOR${group}${START_MS / 1000}011`), last: {} },
  },
  {
    name: 'retrieve, a clock that is wrong',
    method: 'retrieve',
    params: { pubkey: alice.id, timestamp: START_MS - 2 * MINUTE, ...signed(`retrieve${START_MS - 2 * MINUTE}`) },
  },
  { name: 'retrieve, as a probe', method: 'retrieve', params: { pubkey: alice.id, namespace: -3741 } },
  {
    name: 'get_expiries',
    method: 'get_expiries',
    params: {
      pubkey: alice.id,
      messages: [greeting, NEVER_STORED],
      timestamp: START_MS,
      ...signed(`get_expiries${START_MS}${greeting}${NEVER_STORED}`),
    },
  },
  {
    name: 'expire',
    method: 'expire',
    params: {
      pubkey: alice.id,
      messages: [greeting],
      expiry: START_MS + 7 * DAY,
      ...signed(`expire${START_MS + 7 * DAY}${greeting}`),
    },
  },
  {
    name: 'expire, hardly later',
    method: 'expire',
    params: {
      pubkey: alice.id,
      messages: [greeting],
      expiry: START_MS + 7 * DAY + HOUR,
      ...signed(`expire${START_MS + 7 * DAY + HOUR}${greeting}`),
    },
  },
  {
    name: 'expire, only later',
    method: 'expire',
    params: {
      pubkey: alice.id,
      messages: [greeting, profile],
      expiry: START_MS + 20 * DAY,
      extend: true,
      ...signed(`expireextend${START_MS + 20 * DAY}${greeting}${profile}`),
    },
  },
  {
    name: 'expire_all',
    method: 'expire_all',
    params: {
      pubkey: alice.id,
      namespace: 'all',
      expiry: START_MS + 15 * DAY,
      ...signed(`expire_allall${START_MS + 15 * DAY}`),
    },
  },
  {
    name: 'revoke_subaccount',
    method: 'revoke_subaccount',
    params: { pubkey: group, revoke: [toBase64(token)], ...revocation('revoke_subaccount') },
  },
  {
    name: 'retrieve, as a revoked subaccount',
    method: 'retrieve',
    params: { pubkey: group, namespace: 11, timestamp: START_MS, ...asMember(`retrieve11${START_MS}`) },
  },
  {
    name: 'revoked_subaccounts',
    method: 'revoked_subaccounts',
    params: { pubkey: group, timestamp: START_MS, signature: alice.sign(`revoked_subaccounts${START_MS}`) },
  },
  {
    name: 'unrevoke_subaccount',
    method: 'unrevoke_subaccount',
    params: { pubkey: group, unrevoke: [toHex(token)], ...revocation('unrevoke_subaccount') },
  },
  {
    name: 'delete',
    method: 'delete',
    params: { pubkey: alice.id, messages: [greeting], ...signed(`delete${greeting}`) },
  },
  {
    name: 'delete, required',
    method: 'delete',
    params: { pubkey: alice.id, messages: [greeting], required: true, ...signed(`delete${greeting}`) },
  },
  {
    name: 'delete_before',
    method: 'delete_before',
    params: { pubkey: group, before: START_MS, namespace: 11, signature: alice.sign(`delete_before11${START_MS}`) },
  },
  {
    name: 'delete_all',
    method: 'delete_all',
    params: { pubkey: alice.id, namespace: 'all', timestamp: START_MS, ...signed(`delete_allall${START_MS}`) },
  },
  {
    name: 'batch',
    method: 'batch',
    params: { requests: [retrieveOwn(0), retrieveOwn(2), { method: 'info', params: {} }] },
  },
  {
    name: 'batch, active_nodes_bin',
    method: 'batch',
    params: { requests: [{ method: 'active_nodes_bin', params: {} }] },
  },
  {
    name: 'sequence',
    method: 'sequence',
    params: {
      requests: [
        { method: 'store', params: { ...storeGreeting, ttl: 1 } },
        { method: 'info', params: {} },
      ],
    },
  },
  {
    name: 'ifelse',
    method: 'ifelse',
    // Not written as an object with a `then`, which would be taken for a promise.
    params: Object.fromEntries([
      ['if', { hf_at_least: [19, 4] }],
      ['then', { method: 'info', params: {} }],
    ]),
  },
]

/** Text that a parameter of no method is. */
export const SEED_REQUEST = {
  jsonrpc: '2.0',
  method: 'get_n_service_nodes',
  params: {
    active_only: true,
    fields: { public_ip: true, storage_port: true, pubkey_x25519: true, pubkey_ed25519: true, height: true },
  },
}
