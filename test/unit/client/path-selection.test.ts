import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultPathPoolOptions, type Path, PathPool } from '../../../src/client/path-pool.ts'
import { chooseHops, PATH_HOPS } from '../../../src/client/path-selection.ts'
import type { Random } from '../../../src/client/random.ts'
import { type ReachableNode, subnetOf } from '../../../src/client/reachable-node.ts'
import type { X25519PublicKey } from '../../../src/crypto/keys.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'

const NO_KEY = new Uint8Array(32) as X25519PublicKey

/** Node `index` in the /24 network of that number. */
function nodeAt(index: number, network: number): ReachableNode {
  const key = index.toString(16).padStart(64, '0') as ServiceNodeKey
  return { key, x25519: NO_KEY, ip: `10.0.${network}.${index % 250}`, httpsPort: 22021 }
}

const nodesOn = (networks: readonly number[]) => networks.map((network, index) => nodeAt(index, network))

/** A repeatable source of randomness. */
function seeded(seed: number): Random {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const networks = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 40 })
const seed = fc.integer({ min: 0, max: 2 ** 31 })

function poolOf(nodes: readonly ReachableNode[], random: Random, guards: readonly ServiceNodeKey[] = []): PathPool {
  const pool = new PathPool({ random, guards }, defaultPathPoolOptions)
  pool.update(nodes)
  return pool
}

const many = nodesOn(Array.from({ length: 40 }, (_, index) => index))
const [target, ...others] = many as [ReachableNode, ...ReachableNode[]]

describe('choosing hops', () => {
  test('no two hops share a /24 network, nor one with the destination, and none comes twice', () => {
    fc.assert(
      fc.property(networks, seed, (chosen, start) => {
        const [last, ...nodes] = nodesOn(chosen)
        if (last === undefined) return
        const hops = chooseHops(nodes, { kept: [], apart: [last] }, seeded(start))
        const all = [...(hops ?? []), last]
        expect(new Set(all.map(subnetOf)).size).toBe(all.length)
        expect(new Set(all.map((node) => node.key)).size).toBe(all.length)
      }),
      { numRuns: 500 },
    )
  })

  test('a path is found exactly when there are three networks besides the destination’s', () => {
    fc.assert(
      fc.property(networks, seed, (chosen, start) => {
        const [last, ...nodes] = nodesOn(chosen)
        if (last === undefined) return
        const free = new Set(nodes.map(subnetOf).filter((network) => network !== subnetOf(last)))
        const hops = chooseHops(nodes, { kept: [], apart: [last] }, seeded(start))
        expect(hops?.length).toBe(free.size >= PATH_HOPS ? PATH_HOPS : undefined)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the path pool', () => {
  test('a path to any node keeps every hop apart from it and from the other hops', () => {
    fc.assert(
      fc.property(networks, seed, (chosen, start) => {
        const nodes = nodesOn(chosen)
        const pool = poolOf(nodes, seeded(start))
        for (const node of nodes) {
          const free = new Set(nodes.map(subnetOf)).size - 1
          if (free < PATH_HOPS) {
            expect(() => pool.pathTo(node)).toThrow(expect.objectContaining({ code: 'TOO_FEW_NODES' }))
          } else {
            const all = [...pool.pathTo(node).hops, node]
            expect(new Set(all.map(subnetOf)).size).toBe(PATH_HOPS + 1)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test('two guards serve all requests', () => {
    const pool = poolOf(many, seeded(1))
    const guards = new Set(Array.from({ length: 200 }, () => pool.pathTo(target).guard.key))
    expect(guards.size).toBe(2)
    expect([...guards].sort()).toEqual([...pool.guards()].sort())
  })

  test('guards of an earlier run are taken up again', () => {
    const remembered = [many[7]?.key, many[9]?.key] as ServiceNodeKey[]
    const pool = poolOf(many, seeded(2), remembered)
    pool.pathTo(target)
    expect([...pool.guards()].sort()).toEqual([...remembered].sort())
  })

  test('a request that failed on one path is tried on the other', () => {
    const pool = poolOf(others, seeded(3))
    const first = pool.pathTo(target)
    for (let n = 0; n < 20; n++) expect(pool.pathTo(target, first).guard.key).not.toBe(first.guard.key)
  })

  test('a hop that is gone is replaced at the end of its path, and the guard stays', () => {
    const pool = poolOf(others, seeded(4))
    const before = pool.pathTo(target)
    const gone = before.hops[1] as ReachableNode
    pool.dropNode(gone.key)
    const after = Array.from({ length: 50 }, () => pool.pathTo(target)).find(
      (path) => path.guard.key === before.guard.key,
    )
    expect(after?.hops[0]?.key).toBe(before.guard.key)
    expect(after?.hops[1]?.key).toBe(before.hops[2]?.key)
    expect(after?.hops.some((hop) => hop.key === gone.key)).toBe(false)
  })

  test('who names others as gone is dropped after three, and each that is named at once', () => {
    const pool = poolOf(others, seeded(5))
    const [first] = Array.from({ length: 20 }, () => pool.pathTo(target))
    const guard = first?.guard as ReachableNode
    for (let lie = 1; lie <= 3; lie++) {
      expect(pool.isUsable(guard.key)).toBe(true)
      const path = Array.from({ length: 50 }, () => pool.pathTo(target)).find((each) => each.guard.key === guard.key)
      const named = path?.hops[1] as ReachableNode
      pool.dropNamed(path as Path, named.key)
      expect(pool.isUsable(named.key)).toBe(false)
    }
    expect(pool.isUsable(guard.key)).toBe(false)
    expect(pool.guards()).not.toContain(guard.key)
  })

  test('a path to a server outside is one of those in use, and each time another than the last', () => {
    const pool = poolOf(many, seeded(4))
    let last = pool.pathTo(undefined)
    for (let n = 0; n < 20; n++) {
      const next = pool.pathTo(undefined, last)
      expect(next.guard.key).not.toBe(last.guard.key)
      expect(pool.guards()).toContain(next.guard.key)
      last = next
    }
  })

  test('a path that fails three times goes, and its guard and hops with it', () => {
    const pool = poolOf(others, seeded(5))
    const path = pool.pathTo(target)
    pool.strikePath(path)
    pool.strikePath(path)
    expect(pool.guards()).toContain(path.guard.key)
    pool.strikePath(path)
    expect(pool.guards()).not.toContain(path.guard.key)
    for (const hop of path.hops) expect(pool.isUsable(hop.key)).toBe(false)
  })

  test('a new list clears the name of nodes that failed, and keeps the paths', () => {
    const pool = poolOf(others, seeded(6))
    pool.pathTo(target)
    const guards = pool.guards()
    const failed = others.find((node) => !guards.includes(node.key)) as ReachableNode
    pool.dropNode(failed.key)
    pool.update(others)
    expect(pool.isUsable(failed.key)).toBe(true)
    expect(pool.guards()).toEqual(guards)
  })

  test('a guard that left the list, or moved, is replaced', () => {
    const pool = poolOf(others, seeded(7))
    pool.pathTo(target)
    const [first, second] = pool.guards()
    const moved = others
      .filter((node) => node.key !== first)
      .map((node) => (node.key === second ? { ...node, ip: '10.9.9.9' } : node))
    pool.update(moved)
    expect(pool.guards()).toEqual([])
    pool.pathTo(target)
    expect(pool.guards()).not.toContain(first)
  })

  test('when all that would be left has failed, everybody gets another chance', () => {
    const few = nodesOn([1, 2, 3, 4])
    const pool = poolOf(few, seeded(8))
    for (const node of few) pool.dropNode(node.key)
    expect(pool.pathTo(few[0] as ReachableNode).hops.length).toBe(PATH_HOPS)
  })

  test('a node that failed is taken again when a destination leaves no other way to it', () => {
    fc.assert(
      fc.property(seed, (start) => {
        const [last, failed, ...rest] = nodesOn([0, 1, 2, 3]) as [ReachableNode, ReachableNode, ...ReachableNode[]]
        const pool = poolOf([last, failed, ...rest], seeded(start))
        pool.dropNode(failed.key)
        const keys = pool.pathTo(last).hops.map(({ key }) => key)
        expect(keys.sort()).toEqual([failed, ...rest].map(({ key }) => key))
      }),
      { numRuns: 50 },
    )
  })
})
