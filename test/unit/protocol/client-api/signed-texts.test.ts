// The texts that clients and nodes sign, against known answers.
import { expect, test } from 'vitest'
import { fromHex, toBase64, toHex, utf8 } from '../../../../src/base/bytes.ts'
import { ed25519KeyPairFromSeed, toX25519PublicKey } from '../../../../src/crypto/keys.ts'
import { sign, verifySignature } from '../../../../src/crypto/signature.ts'
import { parseAccountId } from '../../../../src/protocol/account.ts'
import { deleteResultSignedText, deleteSignedText } from '../../../../src/protocol/client-api/delete.ts'
import { deleteAllSignedText } from '../../../../src/protocol/client-api/delete-all.ts'
import { deleteBeforeSignedText } from '../../../../src/protocol/client-api/delete-before.ts'
import { expireResultSignedText, expireSignedText } from '../../../../src/protocol/client-api/expire.ts'
import { expireAllSignedText } from '../../../../src/protocol/client-api/expire-all.ts'
import { getExpiriesSignedText } from '../../../../src/protocol/client-api/get-expiries.ts'
import { affectedHashesSignedText } from '../../../../src/protocol/client-api/namespace-or-all.ts'
import { retrieveSignedText } from '../../../../src/protocol/client-api/retrieve.ts'
import { revocationResultSignedText, revocationSignedText } from '../../../../src/protocol/client-api/revocation.ts'
import { storeResultSignedText, storeSignedText } from '../../../../src/protocol/client-api/store.ts'
import {
  parseSubaccountToken,
  SUBACCOUNT_DELETE,
  SUBACCOUNT_READ,
  SUBACCOUNT_WRITE,
  subaccountAllows,
  subaccountKey,
  subaccountPrefix,
  subaccountToken,
} from '../../../../src/protocol/client-api/subaccount.ts'
import type { MessageHash } from '../../../../src/protocol/message.ts'
import vectors from '../../../vectors/signatures.json' with { type: 'json' }

const pair = (seed: string) => ed25519KeyPairFromSeed(fromHex(seed) ?? new Uint8Array())
const account = pair(vectors.account_seed)
const subaccount = pair(vectors.subaccount_seed)
const node = pair(vectors.node_seed)
const groupId = parseAccountId(vectors.group_id)
if (groupId === undefined) throw new Error('Not an account id')
const h1 = vectors.hashes.h1 as MessageHash
const h2 = vectors.hashes.h2 as MessageHash
const t = vectors.timestamp_ms

const token = fromHex(vectors.subaccount_token_hex) ?? new Uint8Array()

const BUILT: Record<string, { text: Uint8Array; signer: typeof account }> = {
  'store ns 42': { text: storeSignedText(42, t), signer: account },
  'store ns 42 by subaccount': { text: storeSignedText(42, t), signer: subaccount },
  'retrieve ns 0': { text: retrieveSignedText(0, t), signer: account },
  'retrieve ns -11': { text: retrieveSignedText(-11, t), signer: account },
  delete: { text: deleteSignedText([h1, h2]), signer: account },
  'delete_all ns 0': { text: deleteAllSignedText(0, t), signer: account },
  'delete_all all': { text: deleteAllSignedText('all', t), signer: account },
  'delete_before ns 42': { text: deleteBeforeSignedText(42, t), signer: account },
  'expire_all ns 0': { text: expireAllSignedText(0, t), signer: account },
  'expire single': { text: expireSignedText('set', [t], [h1, h2]), signer: account },
  'expire shorten': { text: expireSignedText('shorten', [t], [h1]), signer: account },
  'expire extend': { text: expireSignedText('extend', [t], [h1]), signer: account },
  'expire multi': { text: expireSignedText('set', [t, t + 1], [h1, h2]), signer: account },
  get_expiries: { text: getExpiriesSignedText(t, [h1, h2]), signer: account },
  revoke_subaccount: { text: revocationSignedText('revoke_subaccount', t, [token]), signer: account },
  unrevoke_subaccount: { text: revocationSignedText('unrevoke_subaccount', t, [token]), signer: account },
  'node: store response (hash)': { text: storeResultSignedText(h1), signer: node },
  'node: delete_all response': { text: affectedHashesSignedText(groupId, t, [h1, h2]), signer: node },
  'node: delete response (requested h2,h1; deleted h1)': {
    text: deleteResultSignedText(groupId, [h2, h1], [h1]),
    signer: node,
  },
}

const known = vectors.vectors.filter(({ name }) => name in BUILT)

test('every text built here has a known answer', () => {
  expect(known.map(({ name }) => name).sort()).toEqual(Object.keys(BUILT).sort())
})

test.each(known)('$name', ({ name, message_hex, signature_b64 }) => {
  const { text, signer } = BUILT[name] ?? { text: new Uint8Array(), signer: account }
  expect(toHex(text)).toBe(message_hex)
  const signature = sign(text, signer.secretKey)
  expect(toBase64(signature)).toBe(signature_b64)
  expect(verifySignature(signature, text, signer.publicKey)).toBe(true)
})

test("a node's delete_before and expire_all results cover the moment and the sorted hashes", () => {
  const expected = toHex(utf8(`${groupId}${t}${h1}${h2}`))
  expect(toHex(affectedHashesSignedText(groupId, t, [h1, h2]))).toBe(expected)
})

test("a node's result of a revocation covers the raw tokens in the order of the request", () => {
  const other = new Uint8Array(36).fill(1)
  expect(toHex(revocationResultSignedText(groupId, t, [token, other, token]))).toBe(
    `${toHex(utf8(`${groupId}${t}`))}${toHex(token)}${toHex(other)}${toHex(token)}`,
  )
})

test("a node's expire result covers what it tried, what was asked, what moved and what stayed", () => {
  const text = (...args: Parameters<typeof expireResultSignedText>) => toHex(expireResultSignedText(...args))
  expect(text(groupId, [t], [h2, h1], [h1], [{ hash: h2, expiryMs: 5 }])).toBe(
    toHex(utf8(`${groupId}${t}${h2}${h1}${h1}${h2}5`)),
  )
  expect(text(groupId, [1, 2], [h2, h1], [h1, h2], [])).toBe(toHex(utf8(`${groupId}12${h2}${h1}${h1}${h2}`)))
})

test('the keys belong together: a Session id is the image of the Ed25519 key, a group id the key itself', () => {
  expect(toHex(account.publicKey)).toBe(vectors.account_ed25519)
  expect(`05${toHex(toX25519PublicKey(account.publicKey))}`).toBe(vectors.session_id)
  expect(`03${vectors.account_ed25519}`).toBe(vectors.group_id)
})

test('a subaccount token is read from base64 and hex, and says what it allows', () => {
  const token = parseSubaccountToken(vectors.subaccount_token_b64)
  if (token === undefined) throw new Error('Not a token')
  expect(toHex(token)).toBe(vectors.subaccount_token_hex)
  expect(parseSubaccountToken(vectors.subaccount_token_hex)).toEqual(token)
  expect(subaccountToken(3, SUBACCOUNT_READ | SUBACCOUNT_WRITE, subaccount.publicKey)).toEqual(token)
  expect(subaccountPrefix(token)).toBe(3)
  expect(subaccountAllows(token, SUBACCOUNT_READ | SUBACCOUNT_WRITE)).toBe(true)
  expect(subaccountAllows(token, SUBACCOUNT_WRITE | SUBACCOUNT_DELETE)).toBe(false)
  expect(subaccountKey(token)).toEqual(subaccount.publicKey)
  expect(toBase64(sign(token, account.secretKey))).toBe(vectors.subaccount_sig_b64)
})

test('tokens of any other length are refused', () => {
  for (const text of ['', 'A'.repeat(47), 'A'.repeat(49), 'A'.repeat(44), 'g'.repeat(72), '0'.repeat(70)]) {
    expect(parseSubaccountToken(text)).toBeUndefined()
  }
})
