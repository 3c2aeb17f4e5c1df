// What the client signs is what a service node verifies: its requests are read by the parsers that nodes use.
import { describe, expect, test } from 'vitest'
import { accountFromSeed, accountIdOf } from '../../../src/client/account.ts'
import {
  deleteAllRequest,
  deleteRequest,
  expireRequest,
  getExpiriesRequest,
  retrieveRequest,
  storeRequest,
} from '../../../src/client/signed-params.ts'
import { verifySignature } from '../../../src/crypto/signature.ts'
import type { Authentication } from '../../../src/protocol/client-api/authentication.ts'
import { deleteSignedText, parseDeleteParams } from '../../../src/protocol/client-api/delete.ts'
import { deleteAllSignedText, parseDeleteAllParams } from '../../../src/protocol/client-api/delete-all.ts'
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../../../src/protocol/client-api/envelope.ts'
import { expireSignedText, parseExpireParams } from '../../../src/protocol/client-api/expire.ts'
import { getExpiriesSignedText, parseGetExpiriesParams } from '../../../src/protocol/client-api/get-expiries.ts'
import { parseRetrieveParams, retrieveSignedText } from '../../../src/protocol/client-api/retrieve.ts'
import { parseStoreParams, storeSignedText } from '../../../src/protocol/client-api/store.ts'
import { hashMessage } from '../../../src/protocol/message.ts'

const account = accountFromSeed('01'.repeat(32))
const other = accountFromSeed('02'.repeat(32))
const timestampMs = 1_700_000_000_000
const hashes = ['a', 'b'].map((text) => hashMessage(account.id, 0, Buffer.from(text)))

const paramsOf = (request: Envelope) => decodeEnvelope(encodeEnvelope(request)).params

function accepts(authentication: Authentication | undefined, signedText: Uint8Array): void {
  if (authentication?.ed25519 === undefined) throw new Error('The request is not signed')
  expect(accountIdOf(authentication.ed25519)).toBe(account.id)
  expect(verifySignature(authentication.signature, signedText, authentication.ed25519)).toBe(true)
}

describe('a node accepts the signature of', () => {
  test.each([0, 2, -11])('retrieve from namespace %i', (namespace) => {
    const params = { namespace, timestampMs, afterHash: hashes[0], countMax: 5, sizeMax: -2 }
    const read = parseRetrieveParams(paramsOf(retrieveRequest(params, account)))
    expect(read).toMatchObject({ namespace, afterHash: hashes[0], countMax: 5, sizeMax: 3_900_000 })
    accepts(read.signed?.authentication, retrieveSignedText(namespace, timestampMs))
  })

  test('store into a private namespace', () => {
    const message = { account: account.id, namespace: 2, data: Buffer.from('data'), timestampMs, ttlMs: 60_000 }
    const read = parseStoreParams(paramsOf(storeRequest(message, account)))
    expect(read).toMatchObject({ namespace: 2, timestampMs, expiryMs: timestampMs + 60_000 })
    accepts(read.authentication, storeSignedText(2, timestampMs))
  })

  test('delete', () => {
    const read = parseDeleteParams(paramsOf(deleteRequest(hashes, account)))
    expect(read.hashes).toEqual(hashes)
    accepts(read.authentication, deleteSignedText(hashes))
  })

  test.each([0, 3, 'all'] as const)('delete_all in namespace %s', (namespace) => {
    const read = parseDeleteAllParams(paramsOf(deleteAllRequest(namespace, timestampMs, account)))
    expect(read.namespace).toBe(namespace)
    accepts(read.authentication, deleteAllSignedText(namespace, timestampMs))
  })

  test.each(['set', 'extend', 'shorten'] as const)('expire, mode %s', (mode) => {
    const read = parseExpireParams(paramsOf(expireRequest(hashes, timestampMs, mode, account)))
    expect(read).toMatchObject({ mode, hashes, expiriesMs: [timestampMs] })
    accepts(read.authentication, expireSignedText(mode, [timestampMs], hashes))
  })

  test('get_expiries', () => {
    const read = parseGetExpiriesParams(paramsOf(getExpiriesRequest(hashes, timestampMs, account)))
    accepts(read.authentication, getExpiriesSignedText(timestampMs, hashes))
  })
})

test('what anybody may store is not signed, so that nobody learns who stored it', () => {
  const message = { account: account.id, namespace: 0, data: Buffer.from('data'), timestampMs, ttlMs: 60_000 }
  for (const signer of [undefined, other, account]) {
    const { params } = storeRequest(message, signer)
    expect(params).not.toHaveProperty('signature')
    expect(params).not.toHaveProperty('pubkey_ed25519')
  }
})

test('the signature of a retrieve is the known one', () => {
  // Source: client protocol vectors, account seed 01 repeated, "retrieve1700000000000".
  const { params } = retrieveRequest({ namespace: 0, timestampMs }, account)
  expect(params['signature']).toBe(
    'VotHJ4MCGzYkKqRtu+vajWdXMFPS7Mbkc1bk6uWvHMKVhiXD7Db3nnSDK22Hdh8sO6R36a3KgRrWnQlpPcB5BQ==',
  )
})
