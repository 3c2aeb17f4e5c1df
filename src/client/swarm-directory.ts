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
/** Nodes that are asked for a swarm, one after another. */
const SOURCES_MAX = 3

interface Remembered {
  readonly members: readonly ServiceNodeKey[]
  readonly untilMs: TimestampMs
}

/** Which nodes keep which account's messages: asked once of any node, then corrected by the members themselves. */
export class SwarmDirectory {
  readonly #swarms = new Map<AccountId, Remembered>()
  readonly #components: SwarmDirectoryComponents

  constructor(components: SwarmDirectoryComponents) {
    this.#components = components
  }

  /** @throws {ClientError} SWARM_UNKNOWN; the signal's reason */
  async membersOf(account: AccountId, signal: AbortSignal): Promise<readonly ReachableNode[]> {
    const remembered = this.remembered(account)
    if (remembered.length > 0) return remembered
    const fetched = (await this.#fetch(account, signal)) ?? (await this.#fetchWithNewList(account, signal))
    if (fetched !== undefined) return this.#remember(account, fetched)
    throw new ClientError('SWARM_UNKNOWN', 'No node could say which nodes keep the messages of this account')
  }

  /**
   * Takes the `snodes` of a node that said it is the wrong one. Only nodes of the service node list count: an answer
   * can choose among them, not add to them. Returns whether there were any.
   */
  repair(account: AccountId, answer: JsonValue): boolean {
    const members = this.#membersIn(answer)
    if (members.length > 0) this.#remember(account, members)
    return members.length > 0
  }

  /** One node of a swarm is not a member after all. */
  dropMember(account: AccountId, key: ServiceNodeKey): void {
    const rest = this.remembered(account).filter((member) => member.key !== key)
    this.#remember(account, rest)
  }

  forget(account: AccountId): void {
    this.#swarms.delete(account)
  }

  /** The members, if they were learned lately. */
  remembered(account: AccountId): readonly ReachableNode[] {
    const swarm = this.#swarms.get(account)
    if (swarm === undefined || swarm.untilMs <= this.#components.clock.monotonicMs()) return []
    this.#swarms.delete(account)
    this.#swarms.set(account, swarm)
    return this.#find(swarm.members)
  }

  #remember(account: AccountId, members: readonly ReachableNode[]): readonly ReachableNode[] {
    this.#swarms.delete(account)
    const untilMs = this.#components.clock.monotonicMs() + REMEMBERED_FOR_MS
    this.#swarms.set(account, { members: members.map(({ key }) => key), untilMs })
    const oldest = this.#swarms.keys().next()
    if (this.#swarms.size > SWARMS_MAX && !oldest.done) this.#swarms.delete(oldest.value)
    return members
  }

  async #fetch(account: AccountId, signal: AbortSignal): Promise<readonly ReachableNode[] | undefined> {
    const { onion, pool, random } = this.#components
    for (const source of sample(pool.usable(), SOURCES_MAX, random)) {
      try {
        const { status, body } = await onion.ask(source, { method: 'get_swarm', params: { pubkey: account } }, signal)
        const members = status === 200 ? this.#membersIn(body) : []
        if (members.length > 0) return members
        pool.strikeNode(source.key)
      } catch (error) {
        if (!(error instanceof ClientError) || error.code !== 'DESTINATION_UNREACHABLE') throw error
      }
    }
    return undefined
  }

  /** Nobody named a node that is in the list: perhaps the list is too old. */
  async #fetchWithNewList(account: AccountId, signal: AbortSignal): Promise<readonly ReachableNode[] | undefined> {
    await this.#components.nodes.refresh(signal)
    return this.#fetch(account, signal)
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
