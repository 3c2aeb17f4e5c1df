import { expect, test } from 'vitest'
import { DAY, HOUR } from '../../../src/base/clock.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { encodeForwardedRequest } from '../../../src/protocol/peer-api/forwarded-request.ts'
import { aMessage } from '../storage/store-fixture.ts'
import { anAccount, createTestNetwork, START_MS } from './rpc-fixture.ts'

const alice = anAccount(1)

function kept(method: string, params: JsonObject, receivedMs = START_MS) {
  return encodeForwardedRequest({ method, params, receivedMs, stamp: receivedMs * 1000 })
}

function deletion(hash: string, signedText = `delete${hash}`) {
  const signature = alice.sign(signedText)
  return { pubkey: alice.id, pubkey_ed25519: alice.ed25519, messages: [hash], signature }
}

test('a request that another member kept is carried out days later, whoever hands it over', async () => {
  await using network = await createTestNetwork(2)
  const { first } = network
  const message = aMessage({ account: alice.id, expiryMs: START_MS + 20 * DAY })
  await first.store.store.store(message, { stamp: (START_MS - HOUR) * 1000 })
  first.store.clock.pass(10 * DAY)
  expect(await first.carryOut(kept('delete', deletion(message.hash)))).toBe('done')
  expect(first.store.store.statistics().messages).toBe(0)
  expect(await first.carryOut(kept('delete', deletion(message.hash)))).toBe('done')
})

test('what its owner did not sign, and what anybody may do without a signature, is refused', async () => {
  await using network = await createTestNetwork(2)
  const { first } = network
  const hash = 'A'.repeat(43)
  const refused = async (payload: Uint8Array) => expect(await first.carryOut(payload)).toBe('refused')
  await refused(kept('delete', deletion(hash, 'something else')))
  await refused(kept('delete', { pubkey: alice.id, messages: [hash] }))
  await refused(kept('retrieve', { pubkey: alice.id }))
  await refused(kept('nothing', {}))
  await refused(Buffer.from('nothing'))
  const store = { pubkey: alice.id, timestamp: START_MS, ttl: DAY, data: 'AAAA' }
  await refused(kept('store', store))
  expect(first.store.store.statistics().messages).toBe(0)
})

test('what this node cannot judge yet is for later', async () => {
  await using network = await createTestNetwork(4, { sizeMin: 1 })
  const hash = 'A'.repeat(43)
  const elsewhere = network.nodes.find(({ membership }) => !membership.serves(alice.id))
  expect(elsewhere).toBeDefined()
  expect(await elsewhere?.carryOut(kept('delete', deletion(hash)))).toBe('later')
  const here = network.nodes.find(({ membership }) => membership.serves(alice.id))
  expect(await here?.carryOut(kept('delete', deletion(hash), START_MS + HOUR))).toBe('later')
})
