import type { Hex } from '../chain-reply.ts'
import { StakingError } from '../errors.ts'
import type { LedgerEvent, LedgerNode } from './ledger-event.ts'
import { dividedShare, dividedStake, type Payment } from './shares.ts'
import { TOTAL_LIMIT } from './snapshot.ts'

// The ledger's arithmetic: logs go in one by one, in the order of the chain, and totals come out period by period. Nothing here
// knows of time, providers or disk, so that anyone can compute it again.

/** What all nodes of a network must have the same. */
export interface LedgerRules {
  /** A member earns in a period if it was one already this many whole periods earlier; at least 1: at both ends. */
  readonly agePeriods: number
  /** Periods until the stake of a liquidated node is usable. */
  readonly lockPeriods: number
  /** More members than this are refused: they must fit memory. */
  readonly membersMax: number
}

export interface RegisteredNode extends LedgerNode {
  /** The period of its registration. */
  readonly since: number
}

/** A stake that comes back at the end of a period. */
export interface PendingReturn extends Payment {
  readonly period: number
}

export interface LedgerContent {
  /** The first period whose end is not in the totals yet. */
  readonly openPeriod: number
  /** Released and not given out yet: what the open period has brought, and the remainder of those before. */
  readonly potAtomic: bigint
  /** Whether what the pool releases comes to the contract. It does until a log says otherwise. */
  readonly isPaid: boolean
  readonly nodes: readonly RegisteredNode[]
  /** Members whose liquidation is logged and whose exit is not yet. */
  readonly liquidated: readonly bigint[]
  readonly pending: readonly PendingReturn[]
  readonly totals: readonly (readonly [Hex, bigint])[]
}

export class LedgerState {
  readonly #rules: LedgerRules
  #openPeriod: number
  #pot: bigint
  #isPaid: boolean
  #pending: readonly PendingReturn[]
  readonly #nodes: Map<bigint, RegisteredNode>
  readonly #liquidated: Set<bigint>
  readonly #totals: Map<Hex, bigint>

  constructor(rules: LedgerRules, content: LedgerContent = EMPTY) {
    this.#rules = rules
    this.#openPeriod = content.openPeriod
    this.#pot = content.potAtomic
    this.#isPaid = content.isPaid
    this.#pending = content.pending
    this.#nodes = new Map(content.nodes.map((node) => [node.id, node]))
    this.#liquidated = new Set(content.liquidated)
    this.#totals = new Map(content.totals)
  }

  /** Everything, for the disk and for copies. */
  content(): LedgerContent {
    return {
      openPeriod: this.#openPeriod,
      potAtomic: this.#pot,
      isPaid: this.#isPaid,
      nodes: [...this.#nodes.values()],
      liquidated: [...this.#liquidated],
      pending: this.#pending,
      totals: [...this.#totals],
    }
  }

  copy(): LedgerState {
    return new LedgerState(this.#rules, this.content())
  }

  get memberCount(): number {
    return this.#nodes.size
  }

  members(): readonly Pick<LedgerNode, 'id' | 'bls'>[] {
    return [...this.#nodes.values()]
  }

  totals(): ReadonlyMap<Hex, bigint> {
    return new Map(this.#totals)
  }

  /** @throws {StakingError} LOGS_INCONSISTENT, MEMBERS_TOO_MANY */
  apply(event: LedgerEvent): void {
    if (event.period < this.#openPeriod) throw inconsistent('A log is of a period that has ended')
    this.closeThrough(event.period - 1)
    switch (event.kind) {
      case 'registered':
        this.#register(event.node, event.period)
        break
      case 'liquidated':
        this.#registered(event.id)
        this.#liquidated.add(event.id)
        break
      case 'exited':
        this.#exit(event)
        break
      case 'released':
        if (this.#isPaid) this.#pot += event.amountAtomic
        break
      case 'redirected':
        this.#isPaid = event.paysContract
    }
  }

  /** Ends the open period and those after it up to `period`. */
  closeThrough(period: number): void {
    while (this.#openPeriod <= period) {
      this.#close(this.#openPeriod)
      // The rest of a pot is less than one unit a node, or waits for one. Until something happens, no period moves anything.
      this.#openPeriod = Math.min(period + 1, this.#nextEventful(this.#openPeriod))
    }
  }

  #register(node: LedgerNode, period: number): void {
    if (this.#nodes.has(node.id)) throw inconsistent('An id is registered twice')
    if (this.#nodes.size >= this.#rules.membersMax)
      throw new StakingError('MEMBERS_TOO_MANY', 'The logs name more members than we follow')
    this.#nodes.set(node.id, { ...node, since: period })
  }

  #exit({ id, returnedAtomic, period }: Extract<LedgerEvent, { kind: 'exited' }>): void {
    const { contributors } = this.#registered(id)
    const due = this.#liquidated.delete(id) ? period + this.#rules.lockPeriods : period
    this.#nodes.delete(id)
    const payments = dividedStake(contributors, returnedAtomic).filter(({ amountAtomic }) => amountAtomic > 0n)
    this.#pending = [...this.#pending, ...payments.map((payment) => ({ ...payment, period: due }))]
  }

  #registered(id: bigint): RegisteredNode {
    const node = this.#nodes.get(id)
    if (node === undefined) throw inconsistent('A service node leaves that has not been registered')
    return node
  }

  #close(period: number): void {
    const eligible = this.#eligible(period)
    if (this.#pot > 0n && eligible.length > 0) {
      const share = this.#pot / BigInt(eligible.length)
      this.#pot -= share * BigInt(eligible.length)
      if (share > 0n) for (const node of eligible) this.#credit(dividedShare(share, node))
    }
    const isDue = (payment: PendingReturn) => payment.period <= period
    this.#credit(this.#pending.filter(isDue))
    if (this.#pending.some(isDue)) this.#pending = this.#pending.filter((payment) => !isDue(payment))
  }

  #eligible(period: number): readonly RegisteredNode[] {
    const newest = period - this.#rules.agePeriods
    return [...this.#nodes.values()].filter(({ since, contributors }) => since <= newest && contributors.length > 0)
  }

  /** The first period after `period` in which a stake comes back or a member begins to earn; never, when nothing is in sight. */
  #nextEventful(period: number): number {
    let next = Number.MAX_SAFE_INTEGER
    const consider = (at: number) => {
      if (at > period && at < next) next = at
    }
    for (const { since } of this.#nodes.values()) consider(since + this.#rules.agePeriods)
    for (const pending of this.#pending) consider(pending.period)
    return next
  }

  #credit(payments: readonly Payment[]): void {
    for (const { address, amountAtomic } of payments) {
      if (amountAtomic === 0n) continue
      const total = (this.#totals.get(address) ?? 0n) + amountAtomic
      if (total >= TOTAL_LIMIT) throw inconsistent('A total does not fit the contract')
      this.#totals.set(address, total)
    }
  }
}

const EMPTY: LedgerContent = {
  ...{ openPeriod: 0, potAtomic: 0n, isPaid: true },
  ...{ nodes: [], liquidated: [], pending: [], totals: [] },
}

function inconsistent(message: string): StakingError {
  return new StakingError('LOGS_INCONSISTENT', message)
}
