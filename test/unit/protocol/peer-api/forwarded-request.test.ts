// Nodes of different versions serve in one swarm: what a newer one adds is skipped by an older one.
import { expect, test } from 'vitest'
import { utf8 } from '../../../../src/base/bytes.ts'
import {
  decodeForwardedAnswer,
  decodeForwardedRequest,
  encodeForwardedAnswer,
  encodeForwardedRequest,
} from '../../../../src/protocol/peer-api/forwarded-request.ts'

const REQUEST = { method: 'store', params: { pubkey: '05ab', data: 'AA==' }, receivedMs: 1_800_000_000_000, stamp: 7 }
const ANSWER = { status: 200, body: { hash: 'x' } }

test('fields of a newer version are skipped in a request, and what the client signed stays as it came', () => {
  const known = decodeForwardedRequest(encodeForwardedRequest(REQUEST))
  const params = { ...REQUEST.params, ofNextYear: [1, 2] }
  const newer = utf8(JSON.stringify({ ...REQUEST, params, priority: 'high', path: { hops: 4 } }))
  expect(decodeForwardedRequest(newer)).toEqual({ ...known, params })
})

test('fields of a newer version are skipped in an answer', () => {
  const newer = utf8(JSON.stringify({ ...ANSWER, tookMs: 3 }))
  expect(decodeForwardedAnswer(newer)).toEqual(decodeForwardedAnswer(encodeForwardedAnswer(ANSWER)))
})
