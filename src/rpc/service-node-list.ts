import { setImmediate } from 'node:timers/promises'
import { toHex } from '../base/bytes.ts'
import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import type {
  ServiceNodeField,
  ServiceNodeListRequest,
  ServiceNodeState,
} from '../protocol/client-api/service-node-list.ts'
import type { JsonObject } from '../protocol/json.ts'
import {
  type Member,
  type MembershipEpoch,
  type ServiceNodeContact,
  serviceNodeKeyBytes,
  swarmIdText,
} from '../protocol/service-node.ts'
import { RpcError } from './errors.ts'
import { NETWORK_VERSION } from './network-version.ts'
import type { RpcOptions } from './options.ts'
import type { Contacts, SwarmView } from './service-node-directory.ts'
import { toldContacts } from './told-contacts.ts'
import type { X25519Images } from './x25519-images.ts'

export interface ServiceNodeListComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly swarm: Pick<SwarmView, 'swarmOfMember' | 'epoch'>
  readonly contacts: Contacts
  readonly images: X25519Images
}

type ListOptions = Pick<RpcOptions, 'unlockAfterMs' | 'blockTimeMs'>

/** A client asks every hour, all clients together all the time: a list is made anew only so often. */
const KEPT_MS: DurationMs = 5 * SECOND
/** Choices of fields whose lists are kept; there are a handful of kinds of clients. */
const KEPT_MAX = 16
/** After so many members others get their turn: a key that was not converted before costs 57 us. */
const MEMBERS_AT_ONCE = 50
/** The field of a node that clients cannot do without. */
const ALWAYS_GIVEN = 'requested_unlock_height' satisfies ServiceNodeField
/** What clients read as: in no swarm. */
const NO_SWARM = 'ffffffffffffffff'

interface KeptLists {
  readonly epoch: MembershipEpoch
  readonly untilMs: DurationMs
  /** By the fields' names. */
  readonly lists: Map<string, Promise<readonly JsonObject[]>>
}

/** The service node list as clients read it. Who cannot be reached is in it without an address, which clients pass over. */
export class ServiceNodeList {
  readonly #components: ServiceNodeListComponents
  readonly #options: ListOptions
  #kept: KeptLists | undefined

  constructor(components: ServiceNodeListComponents, options: ListOptions) {
    this.#components = components
    this.#options = options
  }

  /**
   * The list as of the current epoch; addresses may be a few seconds old.
   * @throws {RpcError} NO_SWARMS
   */
  async list({ fields, limit }: ServiceNodeListRequest): Promise<JsonObject> {
    const epoch = this.#components.swarm.epoch()
    if (epoch === undefined) throw new RpcError('NO_SWARMS', 'No swarms known!')
    const states = await this.#statesAt(epoch, fields)
    return {
      height: Number(epoch.blockNumber),
      block_hash: epoch.blockHash.replace(/^0x/, ''),
      hardfork: NETWORK_VERSION[0],
      snode_revision: NETWORK_VERSION[1],
      service_node_states: limit === undefined ? states : states.slice(0, limit),
      status: 'OK',
    }
  }

  #statesAt(epoch: MembershipEpoch, fields: ServiceNodeListRequest['fields']): Promise<readonly JsonObject[]> {
    const { lists } = this.#keptFor(epoch)
    const names = fields === undefined ? '*' : [...fields].sort().join()
    const held = lists.get(names)
    if (held !== undefined) return held
    if (lists.size >= KEPT_MAX) lists.clear()
    const made = this.#make(epoch, fields)
    lists.set(names, made)
    return made
  }

  #keptFor(epoch: MembershipEpoch): KeptLists {
    const nowMs = this.#components.clock.monotonicMs()
    if (this.#kept === undefined || this.#kept.epoch !== epoch || nowMs >= this.#kept.untilMs) {
      this.#kept = { epoch, untilMs: nowMs + KEPT_MS, lists: new Map() }
    }
    return this.#kept
  }

  async #make(epoch: MembershipEpoch, fields: ServiceNodeListRequest['fields']): Promise<readonly JsonObject[]> {
    const states: JsonObject[] = []
    const told = toldContacts(
      epoch.members.map(({ key }) => key),
      this.#components.contacts,
    )
    for (const [at, member] of epoch.members.entries()) {
      if (at > 0 && at % MEMBERS_AT_ONCE === 0) await setImmediate()
      const state = this.#state(member, epoch, told.get(member.key))
      if (state !== undefined) states.push(selectFields(state, fields))
    }
    return states
  }

  /** Undefined for a member whose key is none: the contract does not check them. */
  #state(
    member: Member,
    epoch: MembershipEpoch,
    contact: ServiceNodeContact | undefined,
  ): ServiceNodeState | undefined {
    const x25519 = this.#components.images.imageOf(serviceNodeKeyBytes(member.key))
    if (x25519 === undefined) return undefined
    const swarm = this.#components.swarm.swarmOfMember(member.key)
    return {
      service_node_pubkey: member.key,
      pubkey_ed25519: member.key,
      pubkey_x25519: toHex(x25519),
      public_ip: contact?.ip ?? '0.0.0.0',
      storage_port: contact?.httpsPort ?? 0,
      storage_lmq_port: contact?.peerPort ?? 0,
      swarm: swarm === undefined ? NO_SWARM : swarmIdText(swarm),
      funded: true,
      active: swarm !== undefined,
      storage_server_version: contact?.version ?? [0, 0, 0],
      last_uptime_proof: Math.floor((contact?.timestampMs ?? 0) / 1000),
      requested_unlock_height: this.#unlockHeight(member, epoch),
    }
  }

  /** The contract keeps moments, clients want heights: the block at which the stake unlocks, by blocks' usual pace. */
  #unlockHeight({ leaveRequestTimestampS }: Member, epoch: MembershipEpoch): number {
    if (leaveRequestTimestampS === 0n) return 0
    const untilUnlockMs = Number(leaveRequestTimestampS - epoch.blockTimestampS) * 1000 + this.#options.unlockAfterMs
    return Math.max(1, Number(epoch.blockNumber) + Math.ceil(untilUnlockMs / this.#options.blockTimeMs))
  }
}

function selectFields(state: ServiceNodeState, fields: ServiceNodeListRequest['fields']): JsonObject {
  if (fields === undefined) return state
  const wanted: ReadonlySet<string> = fields
  return Object.fromEntries(Object.entries(state).filter(([name]) => wanted.has(name) || name === ALWAYS_GIVEN))
}
