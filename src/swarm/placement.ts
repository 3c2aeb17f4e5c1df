import { assert } from '../base/assert.ts'
import { asBuffer, concat, fromHex, utf8 } from '../base/bytes.ts'
import { sha256 } from '../crypto/hash.ts'
import { PUBLIC_KEY_SIZE } from '../crypto/keys.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import type { Member, ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import { SWARM_SPACE_SIZE, type SwarmSpace } from '../protocol/swarm-space.ts'

// Which swarms a member list makes: a pure function, so that every node, client and test computes the same without a
// vote (docs/protocol/swarms.md).

/** A swarm and the leaf of the prefix tree that its members' positions share. */
export interface SwarmRange extends Swarm {
  /** Lowest position of the leaf. */
  readonly first: SwarmSpace
  /** Highest position of the leaf, itself included. */
  readonly last: SwarmSpace
}

export interface PlacementOptions {
  /** A range is split only while both halves keep this many nodes. */
  readonly sizeMin: number
}

interface Leaf {
  readonly nodes: readonly PlacedNode[]
  readonly first: SwarmSpace
  readonly size: bigint
}

export interface PlacedNode {
  readonly key: ServiceNodeKey
  readonly position: SwarmSpace
}

/**
 * The smallest leaf. Of four points the midpoint is even, so no id is ever 2^64-1, which clients read as "no swarm", and
 * the tree ends however many positions collide.
 */
const LEAF_SIZE_MIN = 4n

/** The swarms of a member list, ascending by id; of none, no swarms. The order of `members` does not matter. */
export function computeSwarms(
  members: readonly Member[],
  networkId: NetworkId,
  { sizeMin }: PlacementOptions,
): readonly SwarmRange[] {
  const place = createPositionOf(networkId)
  const nodes = members.map((member) => ({ key: member.key, position: place(member) }))
  return swarmsOfPlaced(nodes, { sizeMin })
}

/** The swarms of nodes that have their positions. */
export function swarmsOfPlaced(nodes: readonly PlacedNode[], { sizeMin }: PlacementOptions): readonly SwarmRange[] {
  // Ranges that may become empty would be split to the end.
  assert(Number.isSafeInteger(sizeMin) && sizeMin >= 1, 'A swarm has at least one member')
  if (nodes.length === 0) return []
  const ordered = nodes.toSorted((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : 0))
  return leavesOf({ nodes: ordered, first: 0n, size: SWARM_SPACE_SIZE }, sizeMin).map(swarmOfLeaf)
}

/** Where a member of this network stands on the ring. */
export function positionOf(member: Member, networkId: NetworkId): SwarmSpace {
  return createPositionOf(networkId)(member)
}

/**
 * The first 8 bytes, big-endian, of
 * SHA-256("starling-placement" | network id 32 | Ed25519 key 32 | contract id u64 | added timestamp u64), integers big-endian.
 */
function createPositionOf(networkId: NetworkId): (member: Member) => SwarmSpace {
  const domain = concat(utf8('starling-placement'), fromHex(networkId) ?? new Uint8Array())
  const idAt = domain.length + PUBLIC_KEY_SIZE
  const input = Buffer.alloc(idAt + 16)
  input.set(domain)
  return ({ key, id, addedTimestampS }) => {
    input.write(key, domain.length, 'hex')
    input.writeBigUInt64BE(id, idAt)
    input.writeBigUInt64BE(addedTimestampS, idAt + 8)
    return asBuffer(sha256(input)).readBigUInt64BE(0)
  }
}

function leavesOf(leaf: Leaf, sizeMin: number): Leaf[] {
  const halves = halvesOf(leaf, sizeMin)
  return halves === undefined ? [leaf] : halves.flatMap((half) => leavesOf(half, sizeMin))
}

/** The two halves of a range, or undefined when it is a leaf. Nodes are in the order of their positions. */
function halvesOf({ nodes, first, size }: Leaf, sizeMin: number): readonly [Leaf, Leaf] | undefined {
  if (nodes.length < 2 * sizeMin || size <= LEAF_SIZE_MIN) return undefined
  const half = size / 2n
  const middle = first + half
  const onTheRight = nodes.findIndex(({ position }) => position >= middle)
  const cut = onTheRight === -1 ? nodes.length : onTheRight
  if (cut < sizeMin || nodes.length - cut < sizeMin) return undefined
  return [
    { nodes: nodes.slice(0, cut), first, size: half },
    { nodes: nodes.slice(cut), first: middle, size: half },
  ]
}

/** Members are in the order of their keys, which whoever knows the keys can check. */
function swarmOfLeaf({ nodes, first, size }: Leaf): SwarmRange {
  return {
    id: first + size / 2n,
    members: nodes.map(({ key }) => key).sort(),
    first,
    last: first + size - 1n,
  }
}
