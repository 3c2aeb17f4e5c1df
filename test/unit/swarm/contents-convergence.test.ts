// Requests of clients reach some members and not others, in any order. After a few rounds all hold the same, and it is what one
// holds that heard of everything.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { toBase64, toHex } from '../../../src/base/bytes.ts'
import { HOUR, MINUTE, SECOND } from '../../../src/base/clock.ts'
import { ed25519KeyPairFromSeed } from '../../../src/crypto/keys.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { type AccountId, parseAccountId } from '../../../src/protocol/account.ts'
import { hashMessage } from '../../../src/protocol/message.ts'
import { decodeForwardedAnswer, encodeForwardedRequest } from '../../../src/protocol/peer-api/forwarded-request.ts'
import { START_MS } from '../rpc/rpc-fixture.ts'
import { everything } from '../storage/store-fixture.ts'
import { type ContentsNetwork, type ContentsNode, createContentsNetwork, sumsOf, sweep } from './contents-fixture.ts'

const MEMBERS = 3
const NAMESPACES = [0, 5]
/**
 * Of all messages. A client that stores the same bytes with different timestamps may make members differ that know of one of the stores only, should one of
 * its delete_before lie between the two (docs/replication.md).
 */
const TIMESTAMP_MS = START_MS - 10 * MINUTE
const neverAborted = new AbortController().signal

let made = 0
function newGroup() {
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(++made, 4)
  const pair = ed25519KeyPairFromSeed(seed)
  const id = parseAccountId(`03${toHex(pair.publicKey)}`) as AccountId
  return { id, sign: (text: string) => toBase64(sign(Buffer.from(text), pair.secretKey)) }
}
type Group = ReturnType<typeof newGroup>

const namespaces = fc.constantFrom(...NAMESPACES)
const things = fc.record({ namespace: namespaces, data: fc.constantFrom('a', 'b', 'c') })
const expiries = fc.integer({ min: 1, max: 9 }).map((hours) => START_MS + hours * HOUR)
const operations = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('store' as const), thing: things, expiry: expiries }) },
  fc.record({ kind: fc.constant('delete' as const), thing: things }),
  fc.record({
    kind: fc.constant('expire' as const),
    thing: things,
    expiry: expiries,
    mode: fc.constantFrom('', 'shorten' as const, 'extend' as const),
  }),
  fc.record({ kind: fc.constant('delete_all' as const), namespace: namespaces }),
  fc.record({
    kind: fc.constant('delete_before' as const),
    namespace: namespaces,
    before: fc.integer({ min: 1, max: 15 }),
  }),
  fc.record({ kind: fc.constant('expire_all' as const), namespace: namespaces, expiry: expiries }),
)
type Operation = typeof operations extends fc.Arbitrary<infer T> ? T : never

/** What is done, when (in seconds before now), and who hears of it: one member at least. */
const events = fc.record({
  operation: operations,
  secondsAgo: fc.integer({ min: 1, max: 300 }),
  heardBy: fc.uniqueArray(fc.nat(MEMBERS - 1), { minLength: 1, maxLength: MEMBERS }),
})
type Event = typeof events extends fc.Arbitrary<infer T> ? T : never

/** One stores a message, deletes it, and stores it again in the same words; another has heard of the first store only. */
const STORED_ANEW: Event[] = [
  {
    operation: { kind: 'store', thing: { namespace: 0, data: 'a' }, expiry: START_MS + HOUR },
    secondsAgo: 1,
    heardBy: [0],
  },
  { operation: { kind: 'delete', thing: { namespace: 0, data: 'a' } }, secondsAgo: 2, heardBy: [0] },
  {
    operation: { kind: 'store', thing: { namespace: 0, data: 'a' }, expiry: START_MS + HOUR },
    secondsAgo: 3,
    heardBy: [1, 0],
  },
]

const textOf = (namespace: number) => (namespace === 0 ? '' : String(namespace))

function asClient(group: Group, operation: Operation, atMs: number): [method: string, params: Record<string, unknown>] {
  const pubkey = group.id
  const hashOf = ({ namespace, data }: { namespace: number; data: string }) =>
    hashMessage(group.id, namespace, Buffer.from(data))
  switch (operation.kind) {
    case 'store': {
      const { namespace, data } = operation.thing
      const signature = group.sign(`store${textOf(namespace)}${atMs}`)
      const times = { timestamp: TIMESTAMP_MS, expiry: operation.expiry, sig_timestamp: atMs }
      return ['store', { pubkey, namespace, ...times, data: toBase64(Buffer.from(data)), signature }]
    }
    case 'delete': {
      const hash = hashOf(operation.thing)
      return ['delete', { pubkey, messages: [hash], signature: group.sign(`delete${hash}`) }]
    }
    case 'expire': {
      const { expiry, mode } = operation
      const hash = hashOf(operation.thing)
      const flags = mode === '' ? {} : { [mode]: true }
      const signature = group.sign(`expire${mode}${expiry}${hash}`)
      return ['expire', { pubkey, messages: [hash], expiry, ...flags, signature }]
    }
    case 'delete_all': {
      const { namespace } = operation
      const signature = group.sign(`delete_all${textOf(namespace)}${atMs}`)
      return ['delete_all', { pubkey, namespace, timestamp: atMs, signature }]
    }
    case 'delete_before': {
      const { namespace } = operation
      const before = atMs - operation.before * MINUTE
      const signature = group.sign(`delete_before${textOf(namespace)}${before}`)
      return ['delete_before', { pubkey, namespace, before, signature }]
    }
    case 'expire_all': {
      const { namespace, expiry } = operation
      const signature = group.sign(`expire_all${textOf(namespace)}${expiry}`)
      return ['expire_all', { pubkey, namespace, expiry, signature }]
    }
  }
}

async function passOn(
  to: ContentsNode,
  from: ContentsNode,
  group: Group,
  { operation, secondsAgo }: Event,
  index: number,
) {
  const atMs = START_MS - secondsAgo * SECOND
  const [method, params] = asClient(group, operation, atMs)
  const fields = JSON.parse(JSON.stringify(params))
  const payload = encodeForwardedRequest({ method, params: fields, receivedMs: atMs, stamp: atMs * 1000 + index })
  const answer = decodeForwardedAnswer(await to.node.handleForwarded(from.key, payload, neverAborted))
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}

async function heldBy({ node }: ContentsNode, account: AccountId) {
  const found = await Promise.all(
    NAMESPACES.map((namespace) => node.store.store.retrieve({ account, namespace, ...everything })),
  )
  return found
    .flatMap(({ messages }) => messages)
    .map(({ hash, namespace, timestampMs, expiryMs }) => `${hash} ${namespace} ${timestampMs} ${expiryMs}`)
    .sort()
}

async function totalOf(each: ContentsNode) {
  return Buffer.from((await sumsOf(each)).total(0)).toString('hex')
}

/** The members that compare, and one apart that hears of everything. */
function partsOf({ nodes }: ContentsNetwork) {
  const members = nodes.slice(0, MEMBERS)
  const all = nodes[MEMBERS]
  if (all === undefined) throw new Error('Too few nodes')
  return { members, all }
}

test('whatever each of them missed, members hold the same after two rounds of each', async () => {
  const rate = { burst: 1_000_000, perSecond: 1 }
  await using swarm = await createContentsNetwork(MEMBERS + 1, { rpc: { memberRate: rate, memberOpenWriteRate: rate } })
  const { members, all } = partsOf(swarm)
  for (const { key } of members) swarm.cut.add(`${key} ${all.key}`)
  await fc.assert(
    fc.asyncProperty(fc.array(events, { minLength: 1, maxLength: 10 }), async (history) => {
      const group = newGroup()
      for (const [index, event] of history.entries()) {
        const told = event.heardBy.flatMap((at) => members[at] ?? [])
        const others = [...told.map((member) => [member, all] as const), [all, told[0] ?? all] as const]
        await Promise.all(others.map(([to, from]) => passOn(to, from, group, event, index)))
      }
      for (let round = 1; round <= 2; round++) {
        // What was looked at in vain before is looked at again.
        for (const { node } of members) node.store.clock.elapsedMs += HOUR
        await sweep(members)
      }
      const expected = await heldBy(all, group.id)
      for (const member of members) expect(await heldBy(member, group.id)).toEqual(expected)
      expect(new Set(await Promise.all(members.map(totalOf))).size).toBe(1)
    }),
    {
      numRuns: 25,
      // All cases share the members, so what one leaves different would be found in every smaller one.
      endOnFailure: true,
      examples: [[STORED_ANEW]],
    },
  )
})
