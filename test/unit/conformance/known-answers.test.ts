// What the conformance suite signs and hashes, against values that neither it nor the node has computed.
import { expect, test } from 'vitest'
import { messageHashOf } from '../../../conformance/message-hash.ts'
import {
  deleteAllParams,
  deleteBeforeParams,
  deleteParams,
  expireAllParams,
  expireParams,
  getExpiriesParams,
  retrieveParams,
  revocationParams,
  storeParams,
} from '../../../conformance/requests.ts'
import { verifies, x25519ImageOf } from '../../../conformance/signing-key.ts'
import { createTestAccount } from '../../../conformance/test-account.ts'
import { fromBase64, fromHex, toBase64, utf8 } from '../../../src/base/bytes.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import messageHashes from '../../vectors/message-hash.json' with { type: 'json' }
import onion from '../../vectors/onion.json' with { type: 'json' }
import signatures from '../../vectors/signatures.json' with { type: 'json' }

const account = createTestAccount('group', fromHex(signatures.account_seed))
const AT = signatures.timestamp_ms
const { h1, h2 } = signatures.hashes
const token = fromHex(signatures.subaccount_token_hex) ?? new Uint8Array()

const REQUESTS: Readonly<Record<string, JsonObject>> = {
  'store ns 42': storeParams(account, AT, { namespace: 42 }),
  'retrieve ns 0': retrieveParams(account, AT),
  'retrieve ns -11': retrieveParams(account, AT, { namespace: -11 }),
  delete: deleteParams(account, [h1, h2]),
  'delete_all ns 0': deleteAllParams(account, AT),
  'delete_all all': deleteAllParams(account, AT, 'all'),
  'delete_before ns 42': deleteBeforeParams(account, AT, 42),
  'expire_all ns 0': expireAllParams(account, AT),
  'expire single': expireParams(account, [h1, h2], AT),
  'expire shorten': expireParams(account, [h1], AT, 'shorten'),
  'expire extend': expireParams(account, [h1], AT, 'extend'),
  'expire multi': expireParams(account, [h1, h2], [AT, AT + 1]),
  get_expiries: getExpiriesParams(account, AT, [h1, h2]),
  revoke_subaccount: revocationParams('revoke_subaccount', account, AT, [token]),
  unrevoke_subaccount: revocationParams('unrevoke_subaccount', account, AT, [token]),
}

test.each(Object.keys(REQUESTS))('%s is signed as known', (name) => {
  const known = signatures.vectors.find((vector) => vector.name === name)
  expect(known).toBeDefined()
  expect(REQUESTS[name]?.['signature']).toBe(known?.signature_b64)
})

test('accounts have the known ids', () => {
  expect(account.account).toBe(signatures.group_id)
  expect(createTestAccount('session', fromHex(signatures.account_seed)).account).toBe(signatures.session_id)
})

test('subaccounts are vouched for as known', () => {
  const { token: made, authenticate } = account.subaccount(3)
  expect(made.subarray(0, 4)).toEqual(token.subarray(0, 4))
  expect(toBase64(account.key.sign(token))).toBe(signatures.subaccount_sig_b64)
  const fields = authenticate('text')
  const signature = (field: string) => fromBase64(String(fields[field])) ?? new Uint8Array()
  expect(verifies(account.key.publicHex, made, signature('subaccount_sig'))).toBe(true)
  expect(verifies(Buffer.from(made).toString('hex', 4), utf8('text'), signature('signature'))).toBe(true)
})

test.each(messageHashes.hashes)('a message in namespace $namespace has its known hash $hash', (vector) => {
  const data = fromBase64(vector.data_b64) ?? new Uint8Array()
  expect(messageHashOf(vector.pubkey, vector.namespace, data)).toBe(vector.hash)
})

test.each(onion.nodes)('the X25519 image of the key of $name is the known one', (node) => {
  expect(x25519ImageOf(node.pubkey_ed25519)).toBe(node.pubkey_x25519)
})

test('signatures of nodes are judged right', () => {
  const known = signatures.vectors.find(({ name }) => name === 'node: store response (hash)')
  const signature = fromBase64(known?.signature_b64 ?? '') ?? new Uint8Array()
  expect(verifies(signatures.node_ed25519, utf8(h1), signature)).toBe(true)
  expect(verifies(signatures.node_ed25519, utf8(h2), signature)).toBe(false)
  expect(verifies(signatures.account_ed25519, utf8(h1), signature)).toBe(false)
})
