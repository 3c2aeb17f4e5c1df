// What a node computes at the beginning of an epoch, all of it in one go: the root of the list, and the swarms.
import { toHex } from '../src/base/bytes.ts'
import { sha256 } from '../src/crypto/hash.ts'
import { networkIdOf } from '../src/protocol/network-id.ts'
import { type Member, type MembershipEpoch, parseServiceNodeKey } from '../src/protocol/service-node.ts'
import { memberRoot } from '../src/staking/member-root.ts'
import { defaultSwarmOptions } from '../src/swarm/options.ts'
import { SwarmMap } from '../src/swarm/swarm-map.ts'
import { type Benchmark, compare, type Ratio } from './ratio.ts'

const MEMBERS = 2000
/** What of a member goes into the root, and into its place on the ring (docs/staking.md, docs/protocol/swarms.md). */
const ROOT_BYTES = 120
const PLACE_BYTES = 98
const CONTRACT = '0x00000000000000000000000000000000000000aa'
const NETWORK = networkIdOf(1, CONTRACT)

const members = Array.from({ length: MEMBERS }, (_, index) => aMember(index))
const epoch: MembershipEpoch = {
  ...{ index: 1, blockNumber: 1n, blockHash: `0x${'00'.repeat(32)}`, blockTimestampS: 1_800_000_000n },
  ...{ members, root: memberRoot(members) },
}

export const benchmark: Benchmark = {
  name: 'epoch',
  async run() {
    const list = Buffer.alloc(MEMBERS * ROOT_BYTES, 1)
    const places = Array.from({ length: MEMBERS }, (_, index) => Buffer.alloc(PLACE_BYTES, index))
    const before = new SwarmMap(epoch, NETWORK, defaultSwarmOptions)
    return [
      await ratio(
        'the root',
        'SHA-256 of the same bytes',
        0.1,
        () => memberRoot(members),
        () => sha256(list),
      ),
      await ratio(
        'the swarms',
        'as many SHA-256, sorted',
        0.3,
        () => new SwarmMap(epoch, NETWORK, defaultSwarmOptions),
        () => sortedPlaces(places),
      ),
      await ratio(
        'the swarms when nobody came or went',
        'as many SHA-256, sorted',
        1,
        () => new SwarmMap(epoch, NETWORK, defaultSwarmOptions, before),
        () => sortedPlaces(places),
      ),
    ]
  },
}

function aMember(index: number): Member {
  const key = parseServiceNodeKey(toHex(sha256(Buffer.from(`member ${index}`))))
  if (key === undefined) throw new Error('32 bytes are a key')
  return {
    ...{ id: BigInt(index + 1), key, bls: 'ab'.repeat(64), operator: CONTRACT },
    ...{ addedTimestampS: 1_700_000_000n + BigInt(index), leaveRequestTimestampS: 0n, depositAtomic: 25n },
  }
}

function sortedPlaces(places: readonly Uint8Array[]): readonly bigint[] {
  return places
    .map((place) => Buffer.from(sha256(place)).readBigUInt64BE(0))
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** The times are those for which nothing else can run. */
async function ratio(
  what: string,
  limitName: string,
  goal: number,
  ours: () => unknown,
  limit: () => unknown,
): Promise<Ratio> {
  const perSecond = await compare(ours, limit)
  const measured = { ours: 1000 / perSecond.ours, limit: 1000 / perSecond.limit, unit: 'ms' as const }
  return { name: `${what} of ${MEMBERS} members`, limitName, goal, ...measured }
}
