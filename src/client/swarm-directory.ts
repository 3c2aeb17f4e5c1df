import { type Clock, type DurationMs, HOUR, type TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { isJsonObject, type JsonValue } from '../protocol/json.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../protocol/service-node.ts'
import { ClientError } from './errors.ts'
import type { NodeDirectory } from './node-directory.ts'
import type { OnionTransport } from './onion-transport.ts'
import type { PathPool } from './path-pool.ts'
import { type Random, sample } from './random.ts'
import type { ReachableNode } from './reachable-node.ts'

export interface SwarmDirectoryComponents {
  readonly onion: OnionTransport
  readonly nodes: NodeDirectory
  readonly pool: PathPool
  readonly clock: Clock
  readonly random: Random
}

/** Accounts whose swarm is remembered; the one unused for longest goes first. */
const SWARMS_MAX = 1000
const REMEMBERED_FOR_MS: DurationMs = HOUR
/** Nodes that are asked for a swarm at once, how many of them must name a member, and how often others are asked. */
const SOURCES = 3
const AGREEMENT = 2
const ROUNDS_MAX = 2

interface Remembered {
  readonly members: readonly ServiceNodeKey[]
  readonly untilMs: TimestampMs
  /** The list that it was learned with. The next one knows better than a node or two. */
  readonly listVersion: number
  /** Whom nodes named that said they are no members, by who said it. */
  readonly claims: ReadonlyMap<ServiceNodeKey, readonly ReachableNode[]>
}

const NO_CLAIMS: Remembered['claims'] = new Map()

/**
 * Which nodes keep which account's messages. The service node list says it; nodes are asked only when the list has no swarms,
 * and then two must agree. A node that says it is the wrong one is left out until the next list, and two must agree on who is not.
 */
export class SwarmDirectory {
  readonly #swarms = new Map<AccountId, Remembered>()
  readonly #components: SwarmDirectoryComponents

  constructor(components: SwarmDirectoryComponents) {
    this.#components = components
  }

  /** @throws {ClientError} SWARM_UNKNOWN; the signal's reason */
  async membersOf(account: AccountId, signal: AbortSignal): Promise<readonly ReachableNode[]> {
    const known = this.known(account)
    if (known.length > 0) return known
    const fetched = (await this.#fetch(account, signal)) ?? (await this.#fetchWithNewList(account, signal))
    if (fetched !== undefined) return this.#remember(account, fetched)
    throw new ClientError('SWARM_UNKNOWN', 'No two nodes could say which nodes keep the messages of this account')
  }

  /**
   * A node said that it is the wrong one, and perhaps which are right. Of itself it is believed. Of others it takes two: one
   * member could otherwise have a client store with its friends and nobody else, and read what they see fit. Only nodes of the
   * service node list count: an answer can choose among them, not add to them.
   */
  correct(account: AccountId, node: ServiceNodeKey, answer: JsonValue): void {
    const rest = this.known(account).filter((member) => member.key !== node)
    const claims = new Map(this.#swarms.get(account)?.claims).set(node, this.#membersIn(answer))
    const agreed = namedByEnough([...claims.values()].flat())
    if (agreed.length > 0) this.#remember(account, agreed)
    else this.#remember(account, rest, claims)
    this.#components.nodes.doubt()
  }

  /** What is known of the swarm led nowhere. */
  forget(account: AccountId): void {
    this.#swarms.delete(account)
    this.#components.nodes.doubt()
  }

  /** The members, as far as nobody has to be asked. */
  known(account: AccountId): readonly ReachableNode[] {
    return this.#remembered(account) ?? this.#components.nodes.swarms().membersOf(account)
  }

  #remembered(account: AccountId): readonly ReachableNode[] | undefined {
    const { clock, nodes } = this.#components
    const swarm = this.#swarms.get(account)
    if (swarm === undefined) return undefined
    this.#swarms.delete(account)
    if (swarm.untilMs <= clock.monotonicMs() || swarm.listVersion !== nodes.version()) return undefined
    this.#swarms.set(account, swarm)
    return this.#find(swarm.members)
  }

  #remember(
    account: AccountId,
    members: readonly ReachableNode[],
    claims: Remembered['claims'] = NO_CLAIMS,
  ): readonly ReachableNode[] {
    const { clock, nodes } = this.#components
    this.#swarms.delete(account)
    this.#swarms.set(account, {
      members: members.map(({ key }) => key),
      untilMs: clock.monotonicMs() + REMEMBERED_FOR_MS,
      listVersion: nodes.version(),
      claims,
    })
    const oldest = this.#swarms.keys().next()
    if (this.#swarms.size > SWARMS_MAX && !oldest.done) this.#swarms.delete(oldest.value)
    return members
  }

  /** Undefined when no two nodes name the same member. */
  async #fetch(account: AccountId, signal: AbortSignal): Promise<readonly ReachableNode[] | undefined> {
    const { pool, random } = this.#components
    const sources = sample(pool.usable(), SOURCES * ROUNDS_MAX, random)
    const named: ReachableNode[] = []
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const asked = sources.slice(round * SOURCES, (round + 1) * SOURCES)
      named.push(...(await Promise.all(asked.map((source) => this.#ask(source, account, signal)))).flat())
      const agreed = namedByEnough(named)
      if (agreed.length > 0) return agreed
    }
    return undefined
  }

  /** The members that one node names; none when it names nobody in the list, or cannot be reached. */
  async #ask(source: ReachableNode, account: AccountId, signal: AbortSignal): Promise<readonly ReachableNode[]> {
    const { onion, pool } = this.#components
    try {
      const { status, body } = await onion.ask(source, { method: 'get_swarm', params: { pubkey: account } }, signal)
      const members = status === 200 ? this.#membersIn(body) : []
      if (members.length === 0) pool.strikeNode(source.key)
      return members
    } catch (error) {
      if (error instanceof ClientError && error.code === 'DESTINATION_UNREACHABLE') return []
      throw error
    }
  }

  /** Nobody named a node that is in the list: perhaps the list is too old. */
  async #fetchWithNewList(account: AccountId, signal: AbortSignal): Promise<readonly ReachableNode[] | undefined> {
    const { nodes } = this.#components
    await nodes.refresh(signal)
    const listed = nodes.swarms().membersOf(account)
    return listed.length > 0 ? listed : this.#fetch(account, signal)
  }

  #membersIn(answer: JsonValue): readonly ReachableNode[] {
    const snodes = isJsonObject(answer) ? answer['snodes'] : undefined
    if (!Array.isArray(snodes)) return []
    const keys = snodes.flatMap((snode: JsonValue) => {
      const text = isJsonObject(snode) ? snode['pubkey_ed25519'] : undefined
      const key = typeof text === 'string' ? parseServiceNodeKey(text) : undefined
      return key === undefined ? [] : [key]
    })
    return this.#find([...new Set(keys)])
  }

  #find(keys: readonly ServiceNodeKey[]): readonly ReachableNode[] {
    return keys.flatMap((key) => this.#components.nodes.find(key) ?? [])
  }
}

function namedByEnough(named: readonly ReachableNode[]): readonly ReachableNode[] {
  const byNode = Map.groupBy(named, ({ key }) => key)
  return [...byNode.values()].flatMap((votes) => (votes.length >= AGREEMENT ? votes.slice(0, 1) : []))
}
