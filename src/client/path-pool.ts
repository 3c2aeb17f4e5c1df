import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { ClientError } from './errors.ts'
import { chooseHops, isApart, PATH_HOPS } from './path-selection.ts'
import { pick, type Random } from './random.ts'
import type { ReachableNode } from './reachable-node.ts'

/** Three hops, of which the guard is the first: it alone sees this client's address. */
export interface Path {
  readonly guard: ReachableNode
  readonly hops: readonly ReachableNode[]
}

export interface PathPoolOptions {
  /** Guards, and so paths, that are kept. Few, and kept long: each new guard is another chance to meet a bad one. */
  readonly guardsWanted: number
  /** Failures of a path before it goes, and its guard with it. */
  readonly pathStrikesMax: number
  /** Failures of a node before it is used no more. */
  readonly nodeStrikesMax: number
}

export const defaultPathPoolOptions: PathPoolOptions = { guardsWanted: 2, pathStrikesMax: 3, nodeStrikesMax: 3 }

/**
 * The paths of one client. Success clears no strikes: a hop that fails just often enough to steer a client away from
 * honest paths must not be able to clear its name. A new list of service nodes does (docs/client-sdk.md).
 */
export class PathPool {
  #nodes: readonly ReachableNode[] = []
  #paths: Path[] = []
  /** Guards of an earlier run, to be used first. */
  #remembered: readonly ServiceNodeKey[]
  readonly #pathStrikes = new Map<ServiceNodeKey, number>()
  readonly #nodeStrikes = new Map<ServiceNodeKey, number>()
  readonly #dropped = new Set<ServiceNodeKey>()
  readonly #random: Random
  readonly #options: PathPoolOptions

  constructor(components: { random: Random; guards: readonly ServiceNodeKey[] }, options: PathPoolOptions) {
    this.#random = components.random
    this.#remembered = components.guards
    this.#options = options
  }

  /** Takes a new service node list. Paths whose hops are all in it, at the same addresses, stay. */
  update(nodes: readonly ReachableNode[]): void {
    this.#nodes = nodes
    const current = new Map(nodes.map((node) => [node.key, node]))
    for (const node of this.#paths.flatMap((path) => path.hops)) {
      if (current.get(node.key)?.ip !== node.ip) this.#replace(node.key)
    }
    const renewed = (node: ReachableNode) => current.get(node.key) ?? node
    this.#paths = this.#paths.map(({ guard, hops }) => ({ guard: renewed(guard), hops: hops.map(renewed) }))
    this.#forgive()
  }

  /** Keys of the guards in use, for a later run to start with. */
  guards(): readonly ServiceNodeKey[] {
    return this.#paths.map(({ guard }) => guard.key)
  }

  /** Nodes of the list that have not failed too often. */
  usable(): readonly ReachableNode[] {
    return this.#nodes.filter((node) => !this.#dropped.has(node.key))
  }

  isUsable(key: ServiceNodeKey): boolean {
    return !this.#dropped.has(key)
  }

  /**
   * A path on which nobody is near `target`, if there is one (an outside server is near nobody), and another than `last` if
   * possible.
   * @throws {ClientError} TOO_FEW_NODES
   */
  pathTo(target: ReachableNode | undefined, last?: Path): Path {
    this.#fill()
    const apart = this.#paths.filter((path) => target === undefined || isApart(path.hops, target))
    const others = apart.filter((path) => path.guard.key !== last?.guard.key)
    const path =
      pick(others, this.#random) ??
      (target && this.#detour(target, last)) ??
      apart[0] ??
      (target && this.#newPath(target))
    if (path !== undefined) return path
    if (this.#dropped.size === 0) throw tooFewNodes(this.#nodes.length)
    this.#forgive()
    return this.pathTo(target, last)
  }

  /** Nobody knows which hop failed: each but the guard gets a strike, and so does the path. */
  strikePath(path: Path): void {
    for (const hop of path.hops.slice(1)) this.strikeNode(hop.key)
    const { key } = path.guard
    const strikes = (this.#pathStrikes.get(key) ?? 0) + 1
    this.#pathStrikes.set(key, strikes)
    if (strikes >= this.#options.pathStrikesMax) this.dropNode(key)
  }

  /**
   * A hop is named as gone, and is used no more. Nobody can prove it, and only the hop before it knows who it is: that one
   * gets a strike. A hop that names others until the client has chosen ones that it likes comes to its end by that.
   */
  dropNamed(path: Path, key: ServiceNodeKey): void {
    this.dropNode(key)
    const at = path.hops.findIndex((hop) => hop.key === key)
    const before = path.hops[at - 1]
    if (before !== undefined) this.strikeNode(before.key)
  }

  strikeNode(key: ServiceNodeKey): void {
    const strikes = (this.#nodeStrikes.get(key) ?? 0) + 1
    this.#nodeStrikes.set(key, strikes)
    if (strikes >= this.#options.nodeStrikesMax) this.dropNode(key)
  }

  /** Uses a node no more, until the next list. */
  dropNode(key: ServiceNodeKey): void {
    this.#dropped.add(key)
    this.#replace(key)
  }

  /** Paths that lost their guard go; from the others the node is taken out and a new one put at their end. */
  #replace(key: ServiceNodeKey): void {
    this.#paths = this.#paths.flatMap((path) => {
      if (!path.hops.some((hop) => hop.key === key)) return [path]
      if (path.guard.key === key) return []
      const rest = this.#paths.filter((other) => other !== path)
      return (
        this.#complete(
          path.hops.filter((hop) => hop.key !== key),
          rest,
        ) ?? []
      )
    })
  }

  #fill(): void {
    while (this.#paths.length < this.#options.guardsWanted) {
      const path = this.#build()
      if (path !== undefined) this.#paths.push(path)
      else if (this.#paths.length > 0) return
      else if (this.#dropped.size > 0) this.#forgive()
      else throw tooFewNodes(this.#nodes.length)
    }
  }

  #build(): Path | undefined {
    const usable = this.usable()
    const guards = this.#paths.map((path) => path.guard)
    const remembered = usable.filter((node) => this.#remembered.includes(node.key) && isApart(guards, node))
    const inUse = this.#paths.flatMap((path) => path.hops)
    const guard =
      chooseHops(remembered, { kept: [], apart: guards, count: 1 }, this.#random) ??
      chooseHops(usable, { kept: [], apart: inUse, count: 1 }, this.#random) ??
      chooseHops(usable, { kept: [], apart: guards, count: 1 }, this.#random)
    return guard && this.#complete(guard, this.#paths)
  }

  /** Adds hops, away from the other paths if there are enough: a bad node should not take both down. */
  #complete(kept: readonly ReachableNode[], others: readonly Path[]): Path | undefined {
    const usable = this.usable()
    const inUse = others.flatMap((path) => path.hops)
    return pathOf(
      chooseHops(usable, { kept, apart: inUse }, this.#random) ?? chooseHops(usable, { kept, apart: [] }, this.#random),
    )
  }

  /** A path for this one target from a guard in use, so that no new guard sees the client. */
  #detour(target: ReachableNode, last: Path | undefined): Path | undefined {
    const guards = this.#paths.map((path) => path.guard)
    const guard = pick(
      guards.filter((node) => isApart([node], target) && node.key !== last?.guard.key),
      this.#random,
    )
    return guard && pathOf(chooseHops(this.usable(), { kept: [guard], apart: [target] }, this.#random))
  }

  /** For a target to which every guard in use is near. */
  #newPath(target: ReachableNode): Path | undefined {
    return pathOf(chooseHops(this.usable(), { kept: [], apart: [target] }, this.#random))
  }

  #forgive(): void {
    this.#pathStrikes.clear()
    this.#nodeStrikes.clear()
    this.#dropped.clear()
  }
}

function pathOf(hops: readonly ReachableNode[] | undefined): Path | undefined {
  const guard = hops?.[0]
  return hops && guard && { guard, hops }
}

function tooFewNodes(nodes: number): ClientError {
  return new ClientError(
    'TOO_FEW_NODES',
    `A path needs ${PATH_HOPS} service nodes on different /24 networks, apart from its destination`,
    { details: { nodes } },
  )
}
