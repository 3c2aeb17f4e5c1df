import { setImmediate } from 'node:timers/promises'
import { toBase64 } from '../base/bytes.ts'
import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import { type ActiveNode, encodeActiveNodes } from '../protocol/client-api/active-nodes-bin.ts'
import {
  type Member,
  type MembershipEpoch,
  type ServiceNodeContact,
  serviceNodeKeyBytes,
} from '../protocol/service-node.ts'
import { RpcError } from './errors.ts'
import type { Contacts, SwarmView } from './service-node-directory.ts'
import { toldContacts } from './told-contacts.ts'
import type { X25519Images } from './x25519-images.ts'

export interface ActiveNodeListComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly swarm: Pick<SwarmView, 'swarmOfMember' | 'epoch'>
  readonly contacts: Contacts
  readonly images: X25519Images
}

/** The same list as bytes and as text. */
export interface EncodedNodes {
  readonly bytes: Uint8Array
  readonly base64: string
}

/** As long as the other service node list. */
const KEPT_MS: DurationMs = 5 * SECOND
/** After so many members others get their turn: a key that was not converted before costs 57 us. */
const MEMBERS_AT_ONCE = 50

/** The service nodes that clients can reach and that keep messages, in binary. */
export class ActiveNodeList {
  readonly #components: ActiveNodeListComponents
  #kept:
    | { readonly epoch: MembershipEpoch; readonly untilMs: DurationMs; readonly list: Promise<EncodedNodes> }
    | undefined

  constructor(components: ActiveNodeListComponents) {
    this.#components = components
  }

  /**
   * The list as of the current epoch; addresses may be a few seconds old.
   * @throws {RpcError} NO_SWARMS
   */
  async list(): Promise<EncodedNodes> {
    const epoch = this.#components.swarm.epoch()
    if (epoch === undefined) throw new RpcError('NO_SWARMS', 'No swarms known!')
    const nowMs = this.#components.clock.monotonicMs()
    if (this.#kept === undefined || this.#kept.epoch !== epoch || nowMs >= this.#kept.untilMs) {
      this.#kept = { epoch, untilMs: nowMs + KEPT_MS, list: this.#make(epoch) }
    }
    return this.#kept.list
  }

  async #make(epoch: MembershipEpoch): Promise<EncodedNodes> {
    const nodes: ActiveNode[] = []
    const told = toldContacts(
      epoch.members.map(({ key }) => key),
      this.#components.contacts,
    )
    for (const [at, member] of epoch.members.entries()) {
      if (at > 0 && at % MEMBERS_AT_ONCE === 0) await setImmediate()
      const node = this.#activeNode(member, told.get(member.key))
      if (node !== undefined) nodes.push(node)
    }
    const bytes = encodeActiveNodes(nodes)
    return { bytes, base64: toBase64(bytes) }
  }

  /** Undefined for a node that clients could not use. */
  #activeNode({ key }: Member, contact: ServiceNodeContact | undefined): ActiveNode | undefined {
    const { images, swarm } = this.#components
    const id = swarm.swarmOfMember(key)
    // Clients make the X25519 key of the other, so it has to be one that converts.
    if (contact === undefined || id === undefined || images.imageOf(serviceNodeKeyBytes(key)) === undefined)
      return undefined
    return { contact, swarm: id }
  }
}
