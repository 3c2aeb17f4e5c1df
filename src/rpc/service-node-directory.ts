import { toHex } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ClientAnswer } from '../protocol/client-api/envelope.ts'
import type { GetSwarmAnswer, SwarmNode } from '../protocol/client-api/get-swarm.ts'
import type { JsonObject } from '../protocol/json.ts'
import {
  type MembershipEpoch,
  type ServiceNodeContact,
  type ServiceNodeKey,
  type Swarm,
  serviceNodeKeyBytes,
  swarmIdText,
} from '../protocol/service-node.ts'
import { toBase32z } from './base32z.ts'
import { RpcError } from './errors.ts'
import { stamped } from './network-version.ts'
import { toldContacts } from './told-contacts.ts'
import type { X25519Images } from './x25519-images.ts'

/** Who keeps whose messages, and who the service nodes are. */
export interface SwarmView {
  swarmOf(account: AccountId): Swarm | undefined
  serves(account: AccountId): boolean
  /** The other nodes that a change to an account's messages goes to. */
  replicas(account: AccountId): readonly ServiceNodeKey[]
  swarmOfMember(key: ServiceNodeKey): bigint | undefined
  epoch(): MembershipEpoch | undefined
  /** Calls the listener whenever the service node list, and so who serves whom, may be another. */
  onChange(listener: () => void): () => void
}

/** Where service nodes can be reached, as far as they have said. */
export interface Contacts {
  contact(key: ServiceNodeKey): ServiceNodeContact | undefined
  /** False for a node that does not answer where it says it is. Left out, all do. */
  isReachable?(key: ServiceNodeKey): boolean
}

/** Whether this node has all that its swarm holds of an account; it may still be fetching it. */
export type IsComplete = (account: AccountId) => boolean

export interface ServiceNodeDirectoryComponents {
  readonly swarm: Pick<SwarmView, 'swarmOf' | 'serves'>
  readonly contacts: Contacts
  readonly images: X25519Images
  /** Every account is when it is left out. */
  readonly isComplete?: IsComplete | undefined
}

const STATUS_WRONG_SWARM = 421
/** Most accounts take seconds; a client asks another member at once anyway. */
const INCOMPLETE = {
  status: 503,
  body: 'The account is being handed over to this service node, ask another member of its swarm',
  retryAfterSeconds: 5,
} as const satisfies ClientAnswer

/** Tells clients which nodes keep an account's messages. */
export class ServiceNodeDirectory {
  readonly #components: ServiceNodeDirectoryComponents

  constructor(components: ServiceNodeDirectoryComponents) {
    this.#components = components
  }

  /** @throws {RpcError} NO_SWARMS */
  swarmAnswer(account: AccountId, nowMs: TimestampMs): JsonObject {
    const swarm = this.#components.swarm.swarmOf(account)
    if (swarm === undefined) throw new RpcError('NO_SWARMS', 'No swarms known!')
    const told = toldContacts(swarm.members, this.#components.contacts)
    const answer: GetSwarmAnswer = {
      snodes: swarm.members.flatMap((key) => this.#swarmNode(key, told.get(key)) ?? []),
      swarm: swarmIdText(swarm.id),
    }
    return stamped(answer, nowMs)
  }

  /** The answer to a request for an account that this node does not serve; undefined when it does. */
  wrongSwarm(account: AccountId, nowMs: TimestampMs): ClientAnswer | undefined {
    if (this.#components.swarm.serves(account)) return undefined
    return { status: STATUS_WRONG_SWARM, body: this.swarmAnswer(account, nowMs) }
  }

  /** The answer to whoever wants to read what this node does not have, or not all of; undefined when it has. */
  unreadable(account: AccountId, nowMs: TimestampMs): ClientAnswer | undefined {
    const elsewhere = this.wrongSwarm(account, nowMs)
    if (elsewhere !== undefined) return elsewhere
    return this.#components.isComplete?.(account) === false ? INCOMPLETE : undefined
  }

  /** Undefined for a node that clients could not use. */
  #swarmNode(key: ServiceNodeKey, contact: ServiceNodeContact | undefined): SwarmNode | undefined {
    const ed25519 = serviceNodeKeyBytes(key)
    const x25519 = this.#components.images.imageOf(ed25519)
    if (contact === undefined || x25519 === undefined) return undefined
    return {
      address: `${toBase32z(ed25519)}.snode`,
      pubkey_legacy: key,
      pubkey_x25519: toHex(x25519),
      pubkey_ed25519: key,
      ip: contact.ip,
      port: String(contact.httpsPort),
      port_https: contact.httpsPort,
      port_omq: contact.peerPort,
      port_quic: contact.peerPort,
    }
  }
}
