import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmOptions } from './options.ts'

/** Bounds the forwarded requests under way: all together, and to each member. */
export class ForwardSlots {
  readonly #options: Pick<SwarmOptions, 'forwardsMax' | 'forwardsPerMemberMax'>
  /** Only members with requests under way. */
  readonly #taken = new Map<ServiceNodeKey, number>()
  #total = 0

  constructor(options: Pick<SwarmOptions, 'forwardsMax' | 'forwardsPerMemberMax'>) {
    this.#options = options
  }

  get total(): number {
    return this.#total
  }

  /** Whether there was room; who took a slot gives it back. */
  take(member: ServiceNodeKey): boolean {
    const taken = this.#taken.get(member) ?? 0
    if (this.#total >= this.#options.forwardsMax || taken >= this.#options.forwardsPerMemberMax) return false
    this.#taken.set(member, taken + 1)
    this.#total++
    return true
  }

  giveBack(member: ServiceNodeKey): void {
    const taken = this.#taken.get(member) ?? 0
    if (taken > 1) this.#taken.set(member, taken - 1)
    else this.#taken.delete(member)
    this.#total--
  }
}
