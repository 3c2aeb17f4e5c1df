// Clients put off the end of what they keep with every poll. Most of these requests would change nothing that is worth a write.
import { expect, test } from 'vitest'
import { utf8 } from '../../../src/base/bytes.ts'
import { DAY, HOUR, SECOND } from '../../../src/base/clock.ts'
import { verifySignature } from '../../../src/crypto/signature.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { hashMessage } from '../../../src/protocol/message.ts'
import { anAccount, createTestNetwork, START_MS, type TestNetwork } from './rpc-fixture.ts'

const alice = anAccount(1)
const account = alice.groupId
const WEEK = 7 * DAY
const END = START_MS + WEEK
const SHORT_END = START_MS + DAY - 1

async function networkWith(messages: Readonly<Record<string, number>>) {
  const network = await createTestNetwork(3)
  const params = { pubkey: account, timestamp: START_MS }
  for (const [text, expiry] of Object.entries(messages)) {
    await network.first.call('store', { ...params, expiry, data: Buffer.from(text).toString('base64') })
  }
  return network
}

const hashOf = (text: string) => hashMessage(account, 0, Buffer.from(text))

async function expire(network: TestNetwork, texts: readonly string[], expiry: number, flags: object = {}) {
  const messages = texts.map(hashOf)
  const flag = Object.keys(flags).join('')
  const signature = alice.sign(`expire${flag}${expiry}${messages.join('')}`)
  const answer = await network.first.call('expire', { pubkey: account, messages, expiry, signature, ...flags })
  expect(answer.status).toBe(200)
  return answer.json['swarm'] as Readonly<Record<string, JsonObject>>
}

async function expiriesOn(network: TestNetwork, text: string): Promise<readonly (number | undefined)[]> {
  const held = await Promise.all(network.nodes.map(({ store }) => store.store.expiries(account, [hashOf(text)])))
  return held.map(([message]) => message?.expiryMs)
}

test.each([
  ['to the expiry that is there', END, {}],
  ['later by less than 1 % of a life of a day or more', END + HOUR, {}],
  ['to an earlier end, which it may not', END - DAY, { extend: true }],
  ['later by less than 1 %, with its flag', END + HOUR, { extend: true }],
  ['to a later end, which it may not', END + DAY, { shorten: true }],
])('an expire %s is answered by the entry node alone, and signed', async (_what, expiry, flags) => {
  await using network = await networkWith({ a: END })
  const swarm = await expire(network, ['a'], expiry, flags)
  expect(Object.keys(swarm)).toEqual([network.first.key])
  const { signature, ...result } = swarm[network.first.key] ?? {}
  expect(result).toEqual({ expiry, updated: [], unchanged: { [hashOf('a')]: END } })
  const text = utf8(`${account}${expiry}${hashOf('a')}${hashOf('a')}${END}`)
  expect(verifySignature(Buffer.from(String(signature), 'base64'), text, network.first.pair.publicKey)).toBe(true)
  expect(await expiriesOn(network, 'a')).toEqual([END, END, END])
})

test.each([
  ['later by 1 %', ['a'], END + WEEK / 100],
  ['earlier, by however little', ['a'], END - 1],
  ['later by a second, of what has less than a day to live', ['short'], SHORT_END + SECOND],
  ['of several of which one would move', ['a', 'short'], END + HOUR],
])('an expire %s goes to every member', async (_what, texts, expiry) => {
  await using network = await networkWith({ a: END, short: SHORT_END })
  expect(Object.keys(await expire(network, texts, expiry))).toHaveLength(3)
  for (const text of texts) expect(await expiriesOn(network, text)).toEqual([expiry, expiry, expiry])
})

test('an expire of what the entry node lacks goes to every member, which may have it', async () => {
  await using network = await networkWith({ a: END })
  const swarm = await expire(network, ['a', 'elsewhere'], END)
  expect(Object.keys(swarm)).toHaveLength(3)
})
