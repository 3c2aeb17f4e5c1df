// Three libp2p hosts over loopback with nothing but the DHT between them.
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createConnectionGate } from '../../../src/network/connection-gate.ts'
import { createDhtRules, recordKeyOf } from '../../../src/network/dht.ts'
import { createHost } from '../../../src/network/host.ts'
import { createNetworkMetrics } from '../../../src/network/metrics.ts'
import { sealNodeRecord } from '../../../src/network/node-record-envelope.ts'
import { PeerDirectory } from '../../../src/network/peer-directory.ts'
import { toPeerId, toPrivateKey } from '../../../src/network/peer-identity.ts'
import { noRecordFile } from '../../../src/network/record-file.ts'
import { RecordJudge } from '../../../src/network/record-judge.ts'
import { createRecordLookup } from '../../../src/network/record-lookup.ts'
import { anIdentity, loopbackOptions, TestMembership, testEpoch, testNetworkId } from './peer-network-support.ts'

const people = [anIdentity(), anIdentity(), anIdentity()]
const members = people.map(({ member }) => member)
type Person = ReturnType<typeof anIdentity>

async function startHost({ identity, member }: Person) {
  const membership = new TestMembership(members)
  const memberOf = (key: string) => members.find((one) => one.key === key)
  const judge = new RecordJudge({ network: testNetworkId, memberOf, clock: systemClock }, loopbackOptions)
  const metrics = createNetworkMetrics(createMetricsRegistry())
  const directory = new PeerDirectory({ membership, judge, file: noRecordFile, log: silentLogger, metrics })
  const host = await createHost(
    {
      privateKey: toPrivateKey(identity),
      network: testNetworkId,
      gate: createConnectionGate({ membership, metrics, ownKey: member.key }, loopbackOptions),
      dht: createDhtRules({ membership, open: (envelope) => judge.open(envelope) }, loopbackOptions),
      ownIp: () => '127.0.0.1',
    },
    loopbackOptions,
  )
  await host.start()
  const { dht } = host.services
  const lookup = createRecordLookup({ dht, directory, log: silentLogger, metrics }, { dhtTimeoutMs: 20_000 })
  return { host, dht, directory, lookup, [Symbol.asyncDispose]: async () => host.stop() }
}

function seal({ identity, member }: Person, timestampMs = systemClock.nowMs()) {
  const record = {
    network: testNetworkId,
    contractId: member.id,
    bls: member.bls,
    ip: '127.0.0.1',
    httpsPort: 1,
    peerPort: 2,
    version: [0, 1, 0] as const,
    timestampMs,
    epoch: testEpoch,
  }
  return sealNodeRecord(record, toPrivateKey(identity))
}

test('a record that one node stores in the DHT is found by another, and a forged one is not stored', async () => {
  const [first, second, third] = people as [Person, Person, Person]
  await using a = await startHost(first)
  await using b = await startHost(second)
  await using c = await startHost(third)
  await a.host.dial(multiaddr(String(b.host.getMultiaddrs()[0])))
  await c.host.dial(multiaddr(String(b.host.getMultiaddrs()[0])))
  // Identify has told each what the other speaks, so the middle one is in their routing tables.
  const knows = async (from: typeof a, peer: Person) => {
    const stored = await from.host.peerStore.get(toPeerId(peer.member.key)).catch(() => undefined)
    return stored?.protocols.some((protocol) => protocol.includes('/kad/')) ?? false
  }
  await expect
    .poll(async () => (await knows(a, second)) && (await knows(c, second)) && (await knows(b, first)))
    .toBe(true)

  await a.lookup.publish(first.member.key, await seal(first))
  expect(await c.lookup.find(first.member.key)).toBe(true)
  expect(c.directory.contact(first.member.key)?.peerPort).toBe(2)

  // Under another member's key, a record is turned down by whoever is asked to store it.
  await a.lookup.publish(third.member.key, await seal(first))
  expect(await b.lookup.find(third.member.key)).toBe(false)
})

test('the rules take a record only under its own key, take no public keys, and choose the newest', async () => {
  const [first, second] = people as [Person, Person]
  const membership = new TestMembership(members)
  const memberOf = (key: string) => members.find((one) => one.key === key)
  const judge = new RecordJudge({ network: testNetworkId, memberOf, clock: systemClock }, loopbackOptions)
  const rules = createDhtRules({ membership, open: (envelope) => judge.open(envelope) }, loopbackOptions)
  const validate = rules.validators['starling-node']
  const select = rules.selectors['starling-node']
  const now = systemClock.nowMs()
  const [older, newer] = [await seal(first, now - 1), await seal(first, now)]

  await validate?.(recordKeyOf(first.member.key), newer)
  for (const key of [
    recordKeyOf(second.member.key),
    Buffer.from('/starling-node/'),
    Buffer.from('/starling-node/a/b'),
  ]) {
    await expect(validate?.(key, newer)).rejects.toThrow('another key')
  }
  await expect(validate?.(recordKeyOf(first.member.key), Buffer.from('junk'))).rejects.toThrow()
  expect(() => rules.validators['pk']?.(Buffer.from('/pk/x'), Buffer.alloc(36))).toThrow('not stored')
  expect(await select?.(recordKeyOf(first.member.key), [older, Buffer.from('junk'), newer])).toBe(2)
})

test('only staked peers at addresses that may be dialled get into the routing table', () => {
  const membership = new TestMembership(members)
  const open = () => Promise.reject(new Error('not asked'))
  const rules = createDhtRules({ membership, open }, { allowPrivateAddresses: false })
  const multiaddrs = ['/ip4/8.8.4.4/tcp/1', '/ip4/10.0.0.1/tcp/1', '/dns4/example.org/tcp/1'].map((text) =>
    multiaddr(text),
  )
  const [first] = people as [Person]
  const mapped = (key: typeof first.member.key) =>
    rules.peerInfoMapper({ id: toPeerId(key), multiaddrs }).multiaddrs.map(String)
  expect(mapped(first.member.key)).toEqual(['/ip4/8.8.4.4/tcp/1'])
  expect(mapped(anIdentity().member.key)).toEqual([])
})
