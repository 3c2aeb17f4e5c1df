import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createNetworkMetrics } from '../../../src/network/metrics.ts'
import { sealNodeRecord } from '../../../src/network/node-record-envelope.ts'
import { defaultNetworkOptions } from '../../../src/network/options.ts'
import { PeerDirectory } from '../../../src/network/peer-directory.ts'
import { toPrivateKey } from '../../../src/network/peer-identity.ts'
import { createRecordFile, noRecordFile, type RecordFile } from '../../../src/network/record-file.ts'
import { RecordJudge } from '../../../src/network/record-judge.ts'
import { networkIdOf } from '../../../src/protocol/network-id.ts'
import type { NodeRecord } from '../../../src/protocol/peer-api/node-record.ts'
import { anIdentity, TestMembership, testEpoch, testNetworkId } from './peer-network-support.ts'

const NOW = 1_700_000_000_000
const alice = anIdentity()
const bob = anIdentity()
const stranger = anIdentity()

type Person = typeof alice

function aRecord({ member }: Person, changes: Partial<NodeRecord> = {}): NodeRecord {
  return {
    network: testNetworkId,
    contractId: member.id,
    bls: member.bls,
    ip: '8.8.4.4',
    httpsPort: 22_021,
    peerPort: 22_020,
    version: [0, 1, 0],
    timestampMs: NOW,
    epoch: testEpoch,
    ...changes,
  }
}

const seal = (signer: Person, record: NodeRecord) => sealNodeRecord(record, toPrivateKey(signer.identity))
const aSealed = (person: Person, changes: Partial<NodeRecord> = {}) => seal(person, aRecord(person, changes))

let membership: TestMembership
let nowMs = NOW
beforeEach(() => {
  nowMs = NOW
  membership = new TestMembership([alice.member, bob.member])
})

function aDirectory({
  file = noRecordFile,
  allowPrivateAddresses = false,
}: {
  file?: RecordFile
  allowPrivateAddresses?: boolean
} = {}) {
  const clock = { nowMs: () => nowMs, monotonicMs: () => 0 }
  const memberOf = (key: string) => membership.members().find((member) => member.key === key)
  const options = { ...defaultNetworkOptions, allowPrivateAddresses }
  const judge = new RecordJudge({ network: testNetworkId, memberOf, clock }, options)
  const metrics = createNetworkMetrics(createMetricsRegistry())
  return new PeerDirectory({ membership, judge, file, log: silentLogger, metrics })
}

test('a member is found where its record says', async () => {
  await using directory = aDirectory()
  expect(directory.missing()).toEqual([alice.member.key, bob.member.key])
  expect(await directory.accept(await aSealed(alice))).toBe('new')
  expect(directory.contact(alice.member.key)).toEqual({
    key: alice.member.key,
    ip: '8.8.4.4',
    httpsPort: 22_021,
    peerPort: 22_020,
    version: [0, 1, 0],
    timestampMs: NOW,
  })
  expect(directory.missing()).toEqual([bob.member.key])
})

describe('a record is refused', () => {
  const otherNetwork = networkIdOf(1, `0x${'99'.repeat(20)}`)
  test.each([
    ['of someone without stake', () => aSealed(stranger), 'not-member'],
    ['of another network', () => aSealed(alice, { network: otherNetwork }), 'other-network'],
    ['with another contract id', () => aSealed(alice, { contractId: 999n }), 'other-keys'],
    ['with the BLS key of another member', () => aSealed(alice, { bls: bob.member.bls }), 'other-keys'],
    ['from the future', () => aSealed(alice, { timestampMs: NOW + 3 * MINUTE }), 'clock'],
    ['that is older than a day', () => aSealed(alice, { timestampMs: NOW - DAY - 1 }), 'expired'],
    ['with a private address', () => aSealed(alice, { ip: '10.1.2.3' }), 'address'],
    ['with a private IPv6 address', () => aSealed(alice, { ip: 'fd00::1' }), 'address'],
    ['that another member signed in its name', () => seal(bob, aRecord(alice)), 'other-keys'],
    ['that is no envelope', async () => Buffer.from('nothing'), 'malformed'],
    ['that is too large', async () => Buffer.alloc(2000), 'malformed'],
  ] as const)('%s', async (_what, make, outcome) => {
    await using directory = aDirectory()
    expect(await directory.accept(await make())).toBe(outcome)
    expect(directory.all()).toEqual([])
  })

  test('whose bytes were changed anywhere', async () => {
    await using directory = aDirectory()
    const envelope = await aSealed(alice)
    for (let at = 0; at < envelope.length; at++) {
      const changed = Uint8Array.from(envelope)
      changed[at] = (changed[at] ?? 0) ^ 0x40
      expect(['new', 'updated', 'known'], `byte ${at}`).not.toContain(await directory.accept(changed))
    }
  })

  test('that was cut at any length', async () => {
    await using directory = aDirectory()
    const envelope = await aSealed(alice)
    for (let size = 0; size < envelope.length; size++) {
      expect(['new', 'updated', 'known'], `at ${size}`).not.toContain(
        await directory.accept(envelope.subarray(0, size)),
      )
    }
  })

  test('made of random bytes, without anything else happening', async () => {
    await using directory = aDirectory()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        expect(await directory.accept(bytes)).toBe('malformed')
      }),
      { numRuns: 2000 },
    )
  })
})

test('a private address is taken on a network on one machine', async () => {
  await using directory = aDirectory({ allowPrivateAddresses: true })
  expect(await directory.accept(await aSealed(alice, { ip: '127.0.5.1' }))).toBe('new')
})

test('the newest record counts, in whatever order they come', async () => {
  await using directory = aDirectory()
  expect(await directory.accept(await aSealed(alice, { peerPort: 2, timestampMs: NOW - 1 }))).toBe('new')
  expect(await directory.accept(await aSealed(alice, { peerPort: 1, timestampMs: NOW - 2 }))).toBe('known')
  expect(await directory.accept(await aSealed(alice, { peerPort: 3, timestampMs: NOW }))).toBe('updated')
  expect(directory.contact(alice.member.key)?.peerPort).toBe(3)
})

test('a record from before the clock was set back gives way to a believable one', async () => {
  await using directory = aDirectory()
  nowMs = NOW + HOUR
  await directory.accept(await aSealed(alice, { timestampMs: NOW + HOUR }))
  nowMs = NOW
  expect(await directory.accept(await aSealed(alice, { peerPort: 9 }))).toBe('updated')
  expect(directory.contact(alice.member.key)?.peerPort).toBe(9)
})

test('a stake that ends while its record is being judged leaves nothing behind', async () => {
  await using directory = aDirectory()
  const accepted = directory.accept(await aSealed(alice))
  membership.set([bob.member])
  await directory.membershipChanged()
  expect(await accepted).toBe('not-member')
  expect(directory.all()).toEqual([])
})

test('a list of one peer ends at what an honest one does not hand over', async () => {
  await using directory = aDirectory()
  const [ofAlice, ofBob] = [await aSealed(alice), await aSealed(bob)]
  const forged = Uint8Array.from(ofAlice)
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  await expect(directory.acceptAll([forged, ofBob])).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  await expect(directory.acceptAll([Buffer.from('junk'), ofBob])).rejects.toMatchObject({ code: 'FRAME_MALFORMED' })
  const newer = await aSealed(alice, { timestampMs: NOW + 1 })
  await expect(directory.acceptAll([ofAlice, newer, ofBob])).rejects.toMatchObject({ code: 'FRAME_MALFORMED' })
  expect(directory.contact(bob.member.key)).toBeUndefined()
  await directory.acceptAll([await aSealed(stranger), ofBob])
  expect(directory.contact(bob.member.key)).toBeDefined()
})

test('a member that is removed is forgotten', async () => {
  await using directory = aDirectory()
  await directory.acceptAll([await aSealed(alice), await aSealed(bob)])
  membership.set([bob.member])
  await directory.membershipChanged()
  expect(directory.contacts().map(({ key }) => key)).toEqual([bob.member.key])
})

test('what another lacks or has in an older version is offered, as far as it fits', async () => {
  await using directory = aDirectory()
  const [ofAlice, ofBob] = [await aSealed(alice), await aSealed(bob)]
  await directory.acceptAll([ofAlice, ofBob])
  const holding = (timestampMs: number) => [{ key: alice.member.key, timestampMs }]
  expect(directory.newerThan([], 10_000)).toHaveLength(2)
  expect(directory.newerThan(holding(NOW), 10_000).map(Buffer.from)).toEqual([Buffer.from(ofBob)])
  expect(directory.newerThan(holding(NOW - 1), 10_000)).toHaveLength(2)
  expect(directory.newerThan([], ofAlice.length + 10)).toHaveLength(1)
  expect(directory.lacksAnyOf(holding(NOW))).toBe(false)
  expect(directory.lacksAnyOf(holding(NOW + 1))).toBe(true)
  expect(directory.lacksAnyOf([{ key: stranger.member.key, timestampMs: NOW }])).toBe(false)
})

describe('on disk', () => {
  const inFolder = async (run: (folder: string) => Promise<void>) => {
    const folder = await mkdtemp(join(tmpdir(), 'starling-records-'))
    await run(folder).finally(() => rm(folder, { recursive: true }))
  }

  test('records survive a restart, even old ones', () =>
    inFolder(async (folder) => {
      const file = createRecordFile({ log: silentLogger }, folder)
      {
        await using directory = aDirectory({ file })
        await directory.load()
        await directory.acceptAll([await aSealed(alice, { timestampMs: NOW - HOUR }), await aSealed(bob)])
      }
      await file.write([...(await file.read()), await aSealed(alice, { timestampMs: NOW - 9 * DAY })])
      expect(await readdir(folder)).toEqual(['peer-records'])
      await using directory = aDirectory({ file })
      await directory.load()
      expect(directory.missing()).toEqual([])
      expect(directory.contact(alice.member.key)?.timestampMs).toBe(NOW - HOUR)
    }))

  test('records wait for the member list', () =>
    inFolder(async (folder) => {
      const file = createRecordFile({ log: silentLogger }, folder)
      await file.write([await aSealed(alice)])
      membership.set([])
      await using directory = aDirectory({ file })
      await directory.load()
      expect(directory.all()).toEqual([])
      membership.set([alice.member])
      await directory.membershipChanged()
      expect(directory.contact(alice.member.key)?.ip).toBe('8.8.4.4')
    }))

  test('nothing is written once the directory is closed', async () => {
    let writes = 0
    const file = {
      read: async () => [],
      write: async () => {
        writes++
      },
    }
    const directory = aDirectory({ file })
    await directory.accept(await aSealed(alice))
    await directory[Symbol.asyncDispose]()
    expect(writes).toBe(1)
    vi.useFakeTimers()
    try {
      await directory.accept(await aSealed(bob))
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  test('a damaged file is not used', () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'peer-records'), Buffer.from([0, 9, 1]))
      await using directory = aDirectory({ file: createRecordFile({ log: silentLogger }, folder) })
      await directory.load()
      expect(directory.all()).toEqual([])
    }))
})
