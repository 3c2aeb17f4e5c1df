import { expect, test } from 'vitest'
import { HOUR, MINUTE } from '../../../src/base/clock.ts'
import { readNodeRecord } from '../../../src/network/node-record-envelope.ts'
import { createOwnRecord } from '../../../src/network/own-record.ts'
import { toPrivateKey } from '../../../src/network/peer-identity.ts'
import type { RecordedRewards } from '../../../src/protocol/peer-api/node-record.ts'
import { anIdentity, testEpoch, testNetworkId } from './peer-network-support.ts'

const NOW = 1_700_000_000_000

async function recordAfter(lastMs: number | undefined, rewards?: RecordedRewards) {
  const { identity, member } = anIdentity()
  const facts = {
    contractId: member.id,
    bls: member.bls,
    publicIp: '8.8.4.4',
    httpsPort: 1,
    version: [0, 1, 0] as const,
    epoch: testEpoch,
    rewards,
  }
  const ownRecord = createOwnRecord({
    privateKey: toPrivateKey(identity),
    network: testNetworkId,
    clock: { nowMs: () => NOW, monotonicMs: () => 0 },
    facts: () => facts,
    peerPort: () => 2,
    lastMs: () => lastMs,
  })
  return readNodeRecord((await ownRecord.sign()) ?? new Uint8Array()).record
}

async function timestampAfter(lastMs: number | undefined): Promise<number> {
  return (await recordAfter(lastMs)).timestampMs
}

test('a record is of the moment', async () => {
  expect(await timestampAfter(undefined)).toBe(NOW)
  expect(await timestampAfter(NOW - HOUR)).toBe(NOW)
})

test('a record that follows at once is newer by what others pass on', async () => {
  expect(await timestampAfter(NOW)).toBe(NOW + 1000)
})

test('a record is newer than the one from before a restart, after which the clock was set back', async () => {
  expect(await timestampAfter(NOW + MINUTE)).toBe(NOW + MINUTE + 1000)
})

test('a record tells of the rewards, if the node computes them', async () => {
  const rewards = { index: 19_675, root: 'e5'.repeat(32) }
  expect((await recordAfter(undefined, rewards)).rewards).toEqual(rewards)
  expect(await recordAfter(undefined)).not.toHaveProperty('rewards')
})
