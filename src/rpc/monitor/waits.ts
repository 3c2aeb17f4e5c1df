import type { DurationMs } from '../../base/clock.ts'
import { raceSignal, withDeadline } from '../../base/deadline.ts'
import type { AccountId } from '../../protocol/account.ts'
import type { Namespace } from '../../protocol/namespace.ts'
import { AddressCounts } from '../address-counts.ts'
import type { MonitorMetrics } from './metrics.ts'
import type { MonitorOptions } from './options.ts'

/** A request that waits for a message. Disposal gives its place back. */
export interface Wait extends Disposable {
  /** The namespace that has something new; `changed` when it should be asked anew whether the account may be watched here. */
  settled(signal: AbortSignal): Promise<Namespace | 'changed' | 'nothing'>
}

interface Waiter {
  readonly namespaces: ReadonlySet<Namespace>
  readonly wake: (woken: Namespace | 'changed' | 'nothing') => void
}

/** Requests that wait for a message: few, since relays hold a place for each of them on the way. */
export class Waits {
  readonly #metrics: Pick<MonitorMetrics, 'waiting'>
  readonly #options: Pick<MonitorOptions, 'waitsMax' | 'waitsPerAccountMax' | 'waitsPerAddressMax' | 'waitMs'>
  readonly #byAccount = new Map<AccountId, Set<Waiter>>()
  readonly #byAddress = new AddressCounts()
  #count = 0
  #isStopped = false

  constructor(
    { metrics }: { metrics: Pick<MonitorMetrics, 'waiting'> },
    options: Pick<MonitorOptions, 'waitsMax' | 'waitsPerAccountMax' | 'waitsPerAddressMax' | 'waitMs'>,
  ) {
    this.#metrics = metrics
    this.#options = options
  }

  /** Whatever arrives from now on is not missed. Undefined when there is no room. The address is what limits count the client by, where it is known. */
  open(account: AccountId, namespaces: readonly Namespace[], address?: string): Wait | undefined {
    const same = this.#byAccount.get(account) ?? new Set<Waiter>()
    const { waitsMax, waitsPerAccountMax, waitsPerAddressMax, waitMs } = this.#options
    if (this.#isStopped || this.#count >= waitsMax || same.size >= waitsPerAccountMax) return undefined
    if (address !== undefined && this.#byAddress.of(address) >= waitsPerAddressMax) return undefined
    const { promise, resolve } = Promise.withResolvers<Namespace | 'changed' | 'nothing'>()
    const waiter: Waiter = { namespaces: new Set(namespaces), wake: resolve }
    this.#byAccount.set(account, same.add(waiter))
    this.#setCount(this.#count + 1)
    if (address !== undefined) this.#byAddress.add(address)
    return {
      settled: (signal) => settledWithin(promise, waitMs, signal),
      [Symbol.dispose]: () => {
        if (this.#remove(account, waiter) && address !== undefined) this.#byAddress.remove(address)
      },
    }
  }

  has(account: AccountId): boolean {
    return this.#byAccount.has(account)
  }

  accounts(): readonly AccountId[] {
    return [...this.#byAccount.keys()]
  }

  announce(account: AccountId, namespace: Namespace): void {
    for (const { namespaces, wake } of this.#byAccount.get(account) ?? []) {
      if (namespaces.has(namespace)) wake(namespace)
    }
  }

  /** Has those who wait for an account look again whether they may. */
  change(account: AccountId): void {
    for (const { wake } of this.#byAccount.get(account) ?? []) wake('changed')
  }

  /** Ends every wait, and lets no other begin. */
  stop(): void {
    this.#isStopped = true
    for (const waiters of this.#byAccount.values()) for (const { wake } of waiters) wake('nothing')
  }

  /** False when it had gone before. */
  #remove(account: AccountId, waiter: Waiter): boolean {
    const same = this.#byAccount.get(account)
    if (same === undefined || !same.delete(waiter)) return false
    if (same.size === 0) this.#byAccount.delete(account)
    this.#setCount(this.#count - 1)
    return true
  }

  #setCount(count: number): void {
    this.#count = count
    this.#metrics.waiting.set(count)
  }
}

async function settledWithin<T>(promise: Promise<T>, waitMs: DurationMs, signal: AbortSignal): Promise<T | 'nothing'> {
  const deadline = withDeadline(waitMs, signal)
  try {
    return await raceSignal(promise, deadline)
  } catch (error) {
    if (deadline.aborted) return 'nothing'
    throw error
  }
}
