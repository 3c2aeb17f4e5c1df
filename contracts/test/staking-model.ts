import type { Hex } from 'viem'
import { DAY_S, HOUR_S, type Keys } from './staking-network.ts'

// What the contracts are to do, in the fewest words: sums and conditions, without lists, points or storage. Random sequences of
// calls are made on the chain and here, and both must agree on what succeeds and on who has what afterwards.

/** What of a service node's stake belongs to whom. The first is the operator. */
export interface ModelPart {
  readonly owner: Hex
  readonly amount: bigint
}

export interface ModelMember {
  readonly id: bigint
  readonly keys: Keys
  readonly parts: readonly ModelPart[]
  readonly addedS: number
  leaveRequestS: number
  latestLeaveRequestS: number
}

/** A pooled stake that is not registered yet, or was. */
export interface ModelPool {
  readonly address: Hex
  readonly keys: Keys
  readonly operator: Hex
  readonly requirement: bigint
  paid: { owner: Hex; amount: bigint; atS: number }[]
  finalized: boolean
}

export interface Parameters {
  requirement: bigint
  thresholdMax: number
  claimThreshold: bigint
  ratios: { liquidator: bigint; pool: bigint; recipient: bigint }
}

export class StakingModel {
  nowS = 0
  nextId = 1n
  readonly members = new Map<bigint, ModelMember>()
  readonly goneIds = new Set<bigint>()
  /** Keys of nodes that have left: they may come again, under another id. */
  readonly goneKeys: Keys[] = []
  pool: ModelPool | undefined
  /** Of exited stakes, what the members have not signed for yet. */
  readonly owed = new Map<Hex, bigint>()
  readonly recipients = new Map<Hex, { total: bigint; claimed: bigint }>()
  /** What the pool has paid to the rewards contract. */
  released = 0n
  claims = { cycle: 0, total: 0n }
  readonly balances = new Map<Hex, bigint>()

  readonly parameters: Parameters

  constructor(parameters: Parameters) {
    this.parameters = parameters
  }

  balance(address: Hex): bigint {
    return this.balances.get(address) ?? 0n
  }

  move(from: Hex, to: Hex, amount: bigint): void {
    this.balances.set(from, this.balance(from) - amount)
    this.balances.set(to, this.balance(to) + amount)
  }

  recipient(address: Hex): { total: bigint; claimed: bigint } {
    return this.recipients.get(address) ?? { total: 0n, claimed: 0n }
  }

  threshold(): number {
    return Math.min(Math.floor(this.members.size / 3), this.parameters.thresholdMax)
  }

  add(keys: Keys, parts: readonly ModelPart[], addedS = this.nowS): ModelMember {
    const member = { id: this.nextId++, keys, parts, addedS, leaveRequestS: 0, latestLeaveRequestS: 0 }
    this.members.set(member.id, member)
    return member
  }

  /** The member leaves, and its parts are owed to their owners; a liquidation's costs are the operator's. */
  remove(member: ModelMember, cost = 0n): void {
    this.members.delete(member.id)
    this.goneIds.add(member.id)
    this.goneKeys.push(member.keys)
    for (const [index, { owner, amount }] of member.parts.entries()) {
      this.owed.set(owner, (this.owed.get(owner) ?? 0n) + amount - (index === 0 ? cost : 0n))
    }
  }

  keysAreFree(keys: Keys): boolean {
    return ![...this.members.values()].some((member) => member.keys === keys)
  }

  mayAskToLeave(member: ModelMember, caller: Hex): boolean {
    const stake = member.parts.filter(({ owner }) => owner === caller).reduce((sum, { amount }) => sum + amount, 0n)
    if (stake === 0n) return false
    if (stake * 4n < depositOf(member) && this.nowS < member.addedS + 30 * DAY_S) return false
    return member.leaveRequestS === 0 || this.nowS >= member.latestLeaveRequestS + HOUR_S
  }

  mayExitUnsigned(member: ModelMember): boolean {
    return member.leaveRequestS !== 0 && this.nowS >= member.leaveRequestS + 30 * DAY_S
  }

  mayExitSigned(member: ModelMember, nonSigners: number): boolean {
    return this.nowS >= member.addedS + 2 * HOUR_S && nonSigners <= this.threshold()
  }

  /** What a liquidation gives its caller and the pool. */
  liquidationOf(member: ModelMember): { caller: bigint; pool: bigint } {
    const { liquidator, pool, recipient } = this.parameters.ratios
    const [deposit, sum] = [depositOf(member), liquidator + pool + recipient]
    const caller = (deposit * liquidator) / sum
    return { caller, pool: deposit - caller - (deposit * recipient) / sum }
  }

  mayClaim(address: Hex, amount: bigint, cycleS: number): boolean {
    const { total, claimed } = this.recipient(address)
    const cycle = Math.floor(this.nowS / cycleS)
    const claimedInCycle = cycle === this.claims.cycle ? this.claims.total : 0n
    return amount <= total - claimed && claimedInCycle + amount <= this.parameters.claimThreshold
  }

  claim(address: Hex, amount: bigint, cycleS: number): void {
    const { total, claimed } = this.recipient(address)
    const cycle = Math.floor(this.nowS / cycleS)
    this.claims = { cycle, total: (cycle === this.claims.cycle ? this.claims.total : 0n) + amount }
    this.recipients.set(address, { total, claimed: claimed + amount })
  }

  mayContribute(pool: ModelPool, caller: Hex, amount: bigint, maxContributors: number): boolean {
    if (pool.finalized || pool.requirement !== this.parameters.requirement) return false
    const missing = pool.requirement - paidTo(pool)
    if (amount === 0n || amount > missing) return false
    if (pool.paid.length === 0) return caller === pool.operator && amount * 4n >= pool.requirement
    if (pool.paid.some(({ owner }) => owner === caller)) return true
    const places = BigInt(maxContributors - pool.paid.length)
    return places > 0n && amount * places >= missing
  }

  /** Everything that the rewards contract holds is somebody's. */
  accountedFor(): bigint {
    const deposits = sum([...this.members.values()].map(depositOf))
    const unclaimed = sum([...this.recipients.values()].map(({ total, claimed }) => total - claimed))
    return deposits + sum([...this.owed.values()]) + unclaimed + this.released
  }
}

export function depositOf({ parts }: ModelMember): bigint {
  return sum(parts.map(({ amount }) => amount))
}

export function paidTo({ paid }: ModelPool): bigint {
  return sum(paid.map(({ amount }) => amount))
}

export function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
