import { type Clock, DAY, type DurationMs, HOUR, MINUTE } from '../base/clock.ts'
import { raceSignal } from '../base/deadline.ts'
import type { Logger } from '../base/logger.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { readServiceNodes } from './answers.ts'
import { ClientError } from './errors.ts'
import type { OnionTransport } from './onion-transport.ts'
import type { PathPool } from './path-pool.ts'
import { type Random, sample } from './random.ts'
import { NODE_FIELDS, type ReachableNode } from './reachable-node.ts'
import { fetchFromSeeds, type Seed, type SeedOptions } from './seeds.ts'
import { SwarmMap } from './swarm-map.ts'
import type { Transport } from './transport.ts'

export interface NodeDirectoryComponents {
  readonly transport: Transport
  readonly onion: OnionTransport
  readonly pool: PathPool
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export interface NodeDirectoryOptions {
  readonly seeds: readonly Seed[]
  readonly seed: SeedOptions
  /** Age from which the list is asked for anew. */
  readonly refreshAfterMs: DurationMs
}

export const NODE_LIST_REFRESH_AFTER_MS = HOUR
/** Age from which a list is fetched anew when nodes say that it is wrong. They must not be able to make a client ask all the time. */
const DOUBTED_AFTER_MS = 5 * MINUTE

/** Nodes that are asked for their list, and how many of them must name a node. */
const REFRESH_SOURCES = 3
const REFRESH_AGREEMENT = 2
/**
 * How much of the list before must be in the next one, and of the next one in the list before. Two bad sources can agree on
 * anything, and will be asked together some time: without this, they could make a list of their own nodes at one stroke.
 */
const REFRESH_COMMON_MIN = 0.9
/** Age of what a seed said, from which a seed is asked again: what bad sources won by small steps lasts no longer. */
const SEED_AFTER_MS = DAY

/** Which service nodes there are: first from a seed, then from service nodes themselves, so that seeds see little. */
export class NodeDirectory implements AsyncDisposable {
  #nodes: ReadonlyMap<ServiceNodeKey, ReachableNode> = new Map()
  #swarms = new SwarmMap([])
  #version = 0
  #isDoubted = false
  #updatedMs = Number.NEGATIVE_INFINITY
  #seededMs = Number.NEGATIVE_INFINITY
  #update: Promise<void> | undefined
  readonly #stop = new AbortController()
  readonly #components: NodeDirectoryComponents
  readonly #options: NodeDirectoryOptions

  constructor(components: NodeDirectoryComponents, options: NodeDirectoryOptions) {
    this.#components = components
    this.#options = options
  }

  /**
   * Settles when there is a list. An old list is good enough to go on with while a newer one is fetched.
   * @throws {ClientError} SEEDS_UNAVAILABLE; the signal's reason
   */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#nodes.size === 0) return this.refresh(signal)
    this.#refreshIfOld()
  }

  /** A node said what does not fit the list: a newer one is fetched, once this one is a few minutes old. */
  doubt(): void {
    this.#isDoubted = true
    this.#refreshIfOld()
  }

  /** Fetches the list now, or joins who is doing so. */
  refresh(signal: AbortSignal): Promise<void> {
    return raceSignal(this.#update ?? this.#startUpdate(), signal)
  }

  find(key: ServiceNodeKey): ReachableNode | undefined {
    return this.#nodes.get(key)
  }

  /** As the list has them: who is in which swarm. */
  swarms(): SwarmMap {
    return this.#swarms
  }

  /** Another number for each list. */
  version(): number {
    return this.#version
  }

  /** Nobody waits for it, so it fails in silence. */
  #refreshIfOld(): void {
    const { refreshAfterMs } = this.#options
    const afterMs = this.#isDoubted ? Math.min(DOUBTED_AFTER_MS, refreshAfterMs) : refreshAfterMs
    const isYoung = this.#components.clock.monotonicMs() - this.#updatedMs <= afterMs
    if (isYoung || this.#update !== undefined) return
    this.#startUpdate().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#components.log.debug({ error }, 'The service node list was not refreshed')
    })
  }

  /** Not tied to one caller's signal: several may wait for it. */
  #startUpdate(): Promise<void> {
    this.#update = this.#fetch(this.#stop.signal)
      .then((nodes) => this.#take(nodes))
      .finally(() => {
        this.#update = undefined
      })
    return this.#update
  }

  async #fetch(signal: AbortSignal): Promise<readonly ReachableNode[]> {
    const isSeedDue = this.#components.clock.monotonicMs() - this.#seededMs > SEED_AFTER_MS
    const agreed = isSeedDue ? undefined : await this.#fetchFromNodes(signal)
    if (agreed !== undefined) return agreed
    try {
      return await this.#fetchFromSeeds(signal)
    } catch (error) {
      // While no seed can be asked, what nodes agree on is the best that there is.
      const instead = await this.#fetchFromNodes(signal)
      if (instead === undefined) throw error
      return instead
    }
  }

  async #fetchFromSeeds(signal: AbortSignal): Promise<readonly ReachableNode[]> {
    const { clock, transport } = this.#components
    const nodes = await fetchFromSeeds(transport, this.#options.seeds, this.#options.seed, signal)
    this.#seededMs = clock.monotonicMs()
    return nodes
  }

  #take(nodes: readonly ReachableNode[]): void {
    this.#nodes = new Map(nodes.map((node) => [node.key, node]))
    this.#swarms = new SwarmMap(nodes)
    this.#version++
    this.#isDoubted = false
    this.#updatedMs = this.#components.clock.monotonicMs()
    this.#components.pool.update(nodes)
  }

  /** What two of three nodes agree on; undefined when that differs too much from what is known already. */
  async #fetchFromNodes(signal: AbortSignal): Promise<readonly ReachableNode[] | undefined> {
    if (this.#nodes.size === 0) return undefined
    const { pool, random } = this.#components
    const sources = sample(pool.usable(), REFRESH_SOURCES, random)
    const answers = await Promise.allSettled(sources.map((source) => this.#fetchFromNode(source, signal)))
    signal.throwIfAborted()
    const lists = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    const agreed = agreedNodes(lists)
    const common = agreed.filter((node) => this.#isKnown(node)).length
    return common >= REFRESH_COMMON_MIN * Math.max(agreed.length, this.#nodes.size) ? agreed : undefined
  }

  /** In the same swarm as before, since who chooses the swarms chooses who keeps the messages. A seed's list may have none. */
  #isKnown({ key, swarm }: ReachableNode): boolean {
    const known = this.#nodes.get(key)
    return known !== undefined && (known.swarm === undefined || known.swarm === swarm)
  }

  async #fetchFromNode(source: ReachableNode, signal: AbortSignal): Promise<readonly ReachableNode[]> {
    const params = { endpoint: 'get_service_nodes', params: { active_only: true, fields: NODE_FIELDS } }
    const { status, body } = await this.#components.onion.ask(source, { method: 'oxend_request', params }, signal)
    if (status !== 200) throw new ClientError('NODE_LIST_INVALID', 'A node gave no list', { details: { status } })
    return readServiceNodes(body)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new ClientError('CLOSED', 'The client is disposed of'))
    await this.#update?.catch(() => {})
  }
}

/**
 * Nodes that enough lists name with the same address. Which swarm a node is in counts apart: lists of two epochs may differ in
 * that, and a node whose swarm is in doubt is a node all the same.
 */
function agreedNodes(lists: readonly (readonly ReachableNode[])[]): readonly ReachableNode[] {
  const byAddress = Map.groupBy(lists.flat(), (node) => `${node.key} ${node.ip} ${node.httpsPort}`)
  return [...byAddress.values()].flatMap((same) => (same.length >= REFRESH_AGREEMENT ? [agreedNode(same)] : []))
}

function agreedNode(same: readonly ReachableNode[]): ReachableNode {
  const [{ swarm: _, ...node }] = same as [ReachableNode]
  const bySwarm = Map.groupBy(same, ({ swarm }) => swarm)
  const swarm = [...bySwarm].find(([, named]) => named.length >= REFRESH_AGREEMENT)?.[0]
  return { ...node, ...(swarm !== undefined && { swarm }) }
}
