import { setImmediate } from 'node:timers/promises'
import { toHex } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { KeyError, toX25519PublicKey } from '../crypto/keys.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ClientAnswer } from '../protocol/client-api/envelope.ts'
import type { GetSwarmAnswer, SwarmNode } from '../protocol/client-api/get-swarm.ts'
import type { ServiceNodeListRequest, ServiceNodeState } from '../protocol/client-api/service-node-list.ts'
import type { JsonObject } from '../protocol/json.ts'
import {
  type Member,
  type MembershipEpoch,
  type ServiceNodeContact,
  type ServiceNodeKey,
  type Swarm,
  serviceNodeKeyBytes,
  swarmIdText,
} from '../protocol/service-node.ts'
import { toBase32z } from './base32z.ts'
import { RpcError } from './errors.ts'
import { NETWORK_VERSION, stamped } from './network-version.ts'
import type { RpcOptions } from './options.ts'

/** Who keeps whose messages, and who the service nodes are. */
export interface SwarmView {
  swarmOf(account: AccountId): Swarm | undefined
  serves(account: AccountId): boolean
  /** The other nodes that a change to an account's messages goes to. */
  replicas(account: AccountId): readonly ServiceNodeKey[]
  swarmOfMember(key: ServiceNodeKey): bigint | undefined
  members(): readonly Member[]
  epoch(): MembershipEpoch | undefined
}

/** Where service nodes can be reached, as far as they have said. */
export interface Contacts {
  contact(key: ServiceNodeKey): ServiceNodeContact | undefined
}

const STATUS_WRONG_SWARM = 421
/** After so many keys converted (57 us each), others get their turn. */
const CONVERSIONS_AT_ONCE = 50
/** Keys of former members are forgotten beyond this. */
const IMAGES_MAX = 20_000
/** The members of a list that clients cannot do without. */
const ALWAYS_GIVEN = 'requested_unlock_height' satisfies keyof ServiceNodeState

/** Service nodes as clients want them listed: with addresses, derived keys and text of swarm ids. */
export class ServiceNodeDirectory {
  readonly #swarm: SwarmView
  readonly #contacts: Contacts
  readonly #options: Pick<RpcOptions, 'unlockAfterMs' | 'blockTimeMs'>
  readonly #images = new Map<ServiceNodeKey, string | undefined>()

  constructor(
    { swarm, contacts }: { swarm: SwarmView; contacts: Contacts },
    options: Pick<RpcOptions, 'unlockAfterMs' | 'blockTimeMs'>,
  ) {
    this.#swarm = swarm
    this.#contacts = contacts
    this.#options = options
  }

  /** @throws {RpcError} NO_SWARMS */
  swarmAnswer(account: AccountId, nowMs: TimestampMs): JsonObject {
    const swarm = this.#swarm.swarmOf(account)
    if (swarm === undefined) throw new RpcError('NO_SWARMS', 'No swarms known!')
    const answer: GetSwarmAnswer = {
      snodes: swarm.members.flatMap((key) => this.#swarmNode(key) ?? []),
      swarm: swarmIdText(swarm.id),
    }
    return stamped(answer, nowMs)
  }

  /** The answer to a request for an account that this node does not serve; undefined when it does. */
  wrongSwarm(account: AccountId, nowMs: TimestampMs): ClientAnswer | undefined {
    if (this.#swarm.serves(account)) return undefined
    return { status: STATUS_WRONG_SWARM, body: this.swarmAnswer(account, nowMs) }
  }

  /**
   * The service node list as of the current epoch.
   * @throws {RpcError} NO_SWARMS
   */
  async list({ fields, limit }: ServiceNodeListRequest): Promise<JsonObject> {
    const epoch = this.#swarm.epoch()
    if (epoch === undefined) throw new RpcError('NO_SWARMS', 'No swarms known!')
    await this.#convertAll(epoch.members)
    const states = epoch.members.flatMap((member) => this.#state(member, epoch) ?? [])
    return {
      height: Number(epoch.blockNumber),
      block_hash: epoch.blockHash.replace(/^0x/, ''),
      hardfork: NETWORK_VERSION[0],
      snode_revision: NETWORK_VERSION[1],
      service_node_states: states.slice(0, limit).map((state) => selectFields(state, fields)),
      status: 'OK',
    }
  }

  #swarmNode(key: ServiceNodeKey): SwarmNode | undefined {
    const contact = this.#contacts.contact(key)
    const x25519 = this.#imageOf(key)
    if (contact === undefined || x25519 === undefined) return undefined
    return {
      address: `${toBase32z(serviceNodeKeyBytes(key))}.snode`,
      pubkey_legacy: key,
      pubkey_x25519: x25519,
      pubkey_ed25519: key,
      ip: contact.ip,
      port: String(contact.httpsPort),
      port_https: contact.httpsPort,
      port_omq: contact.peerPort,
      port_quic: contact.peerPort,
    }
  }

  #state(member: Member, epoch: MembershipEpoch): ServiceNodeState | undefined {
    const x25519 = this.#imageOf(member.key)
    if (x25519 === undefined) return undefined
    const contact = this.#contacts.contact(member.key)
    const swarm = this.#swarm.swarmOfMember(member.key)
    return {
      service_node_pubkey: member.key,
      pubkey_ed25519: member.key,
      pubkey_x25519: x25519,
      public_ip: contact?.ip ?? '0.0.0.0',
      storage_port: contact?.httpsPort ?? 0,
      storage_lmq_port: contact?.peerPort ?? 0,
      swarm: swarm === undefined ? 'ffffffffffffffff' : swarmIdText(swarm),
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

  /** The first list after a change of members converts many keys: not all at once. */
  async #convertAll(members: readonly Member[]): Promise<void> {
    const unknown = members.filter(({ key }) => !this.#images.has(key))
    for (const [at, { key }] of unknown.entries()) {
      if (at > 0 && at % CONVERSIONS_AT_ONCE === 0) await setImmediate()
      this.#imageOf(key)
    }
  }

  /** The node's X25519 key. Undefined for a key that is none: the contract does not check them. */
  #imageOf(key: ServiceNodeKey): string | undefined {
    if (this.#images.has(key)) return this.#images.get(key)
    if (this.#images.size >= IMAGES_MAX) this.#images.clear()
    const image = convert(key)
    this.#images.set(key, image)
    return image
  }
}

function convert(key: ServiceNodeKey): string | undefined {
  try {
    return toHex(toX25519PublicKey(serviceNodeKeyBytes(key)))
  } catch (error) {
    if (error instanceof KeyError) return undefined
    throw error
  }
}

function selectFields(state: ServiceNodeState, fields: ReadonlySet<string> | undefined): JsonObject {
  if (fields === undefined) return state
  return Object.fromEntries(Object.entries(state).filter(([name]) => fields.has(name) || name === ALWAYS_GIVEN))
}
