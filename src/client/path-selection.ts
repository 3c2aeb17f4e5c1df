import { pick, type Random } from './random.ts'
import { type ReachableNode, subnetOf } from './reachable-node.ts'

/** Hops between a client and a destination: the first knows who asks, the last knows what for, and neither knows both. */
export const PATH_HOPS = 3

/**
 * Extends `kept` to `count` hops with nodes of `nodes`, chosen uniformly, so that no two hops share a /24 network with
 * one another or with a node of `apart` (the destination). Undefined when the nodes do not suffice: each choice uses up
 * exactly one network whichever node is chosen, so no other order of choices would have done better.
 */
export function chooseHops(
  nodes: readonly ReachableNode[],
  {
    kept,
    apart,
    count = PATH_HOPS,
  }: { kept: readonly ReachableNode[]; apart: readonly ReachableNode[]; count?: number },
  random: Random,
): readonly ReachableNode[] | undefined {
  const hops = [...kept]
  const used = new Set([...kept, ...apart].map(subnetOf))
  while (hops.length < count) {
    const next = pick(
      nodes.filter((node) => !used.has(subnetOf(node))),
      random,
    )
    if (next === undefined) return undefined
    hops.push(next)
    used.add(subnetOf(next))
  }
  return hops
}

/** Whether no hop is in the /24 network of `target`, so that it is not `target` either. */
export function isApart(hops: readonly ReachableNode[], target: ReachableNode): boolean {
  return hops.every((hop) => subnetOf(hop) !== subnetOf(target))
}
