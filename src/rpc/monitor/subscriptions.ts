import { toHex } from '../../base/bytes.ts'
import type { Clock, DurationMs } from '../../base/clock.ts'
import type { AccountId } from '../../protocol/account.ts'
import type { MonitorEnd } from '../../protocol/client-api/monitor.ts'
import type { MonitorForm } from '../../protocol/client-api/monitor-frame.ts'
import { MONITOR_NAMESPACES_MAX } from '../../protocol/limits.ts'
import type { Namespace } from '../../protocol/namespace.ts'
import { AddressCounts } from '../address-counts.ts'
import type { MonitorMetrics } from './metrics.ts'
import type { Notification } from './notification.ts'
import type { MonitorOptions } from './options.ts'

/** Who is told: a connection. None of these may throw or wait. */
export interface Subscriber {
  /** What limits count it by. Never logged. */
  readonly address: string
  notify(notification: Notification, withData: boolean, form: MonitorForm): void
  end(end: MonitorEnd, form: MonitorForm): void
  /** It would miss a message, so it must go, come back, and ask what it missed. */
  overflow(): void
}

/** What one account's owner, or one of its subaccounts, is told of on one connection. */
export interface Subscription {
  readonly account: AccountId
  readonly subscriber: Subscriber
  /** The subaccount's token; absent for the owner. */
  readonly token: Uint8Array | undefined
  readonly namespaces: Set<Namespace>
  wantsData: boolean
  /** How the last renewal was written, and so what is told. */
  form: MonitorForm
  endsAtMs: DurationMs
}

/** What a subscription is made or renewed from. */
export interface SubscriptionRequest {
  readonly account: AccountId
  readonly subscriber: Subscriber
  readonly token: Uint8Array | undefined
  readonly namespaces: readonly Namespace[]
  readonly wantsData: boolean
  readonly form: MonitorForm
}

type SubscriptionsOptions = Pick<
  MonitorOptions,
  | 'leaseMs'
  | 'subscriptionsMax'
  | 'subscriptionsPerAccountMax'
  | 'subscriptionsPerAddressMax'
  | 'subscriptionsPerConnectionMax'
>

/** Who is told of which accounts' messages, and until when. All bounds are kept here. */
export class Subscriptions {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #metrics: Pick<MonitorMetrics, 'subscriptions'>
  readonly #options: SubscriptionsOptions
  readonly #byAccount = new Map<AccountId, Set<Subscription>>()
  /** By account and token. */
  readonly #bySubscriber = new Map<Subscriber, Map<string, Subscription>>()
  readonly #byAddress = new AddressCounts()
  #count = 0

  constructor(
    { clock, metrics }: { clock: Pick<Clock, 'monotonicMs'>; metrics: Pick<MonitorMetrics, 'subscriptions'> },
    options: SubscriptionsOptions,
  ) {
    this.#clock = clock
    this.#metrics = metrics
    this.#options = options
  }

  /** Renewal adds namespaces and the wish for data; it takes neither away. `full` changes nothing. */
  put(request: SubscriptionRequest): 'added' | 'renewed' | 'full' {
    const held = this.#bySubscriber.get(request.subscriber)?.get(keyOf(request))
    if (held !== undefined) return this.#renew(held, request)
    if (!this.#hasRoom(request)) return 'full'
    this.#add({ ...request, namespaces: new Set(request.namespaces), endsAtMs: this.#leaseEndMs() })
    return 'added'
  }

  /** Those of an account whose lease lasts. */
  of(account: AccountId): readonly Subscription[] {
    const held = this.#byAccount.get(account)
    if (held === undefined) return []
    const nowMs = this.#clock.monotonicMs()
    const lasting = [...held].filter(({ endsAtMs }) => endsAtMs > nowMs)
    if (lasting.length < held.size) for (const each of held) if (each.endsAtMs <= nowMs) this.remove(each)
    return lasting
  }

  has(account: AccountId): boolean {
    return this.#byAccount.has(account)
  }

  accounts(): readonly AccountId[] {
    return [...this.#byAccount.keys()]
  }

  /** How many a subscriber has, once those whose lease has ended are gone. */
  countOf(subscriber: Subscriber): number {
    const held = this.#bySubscriber.get(subscriber)
    const nowMs = this.#clock.monotonicMs()
    for (const each of held?.values() ?? []) if (each.endsAtMs <= nowMs) this.remove(each)
    return held?.size ?? 0
  }

  remove(subscription: Subscription): void {
    const { account, subscriber } = subscription
    const own = this.#bySubscriber.get(subscriber)
    if (own === undefined || !own.delete(keyOf(subscription))) return
    if (own.size === 0) this.#bySubscriber.delete(subscriber)
    const same = this.#byAccount.get(account)
    same?.delete(subscription)
    if (same?.size === 0) this.#byAccount.delete(account)
    this.#byAddress.remove(subscriber.address)
    this.#setCount(this.#count - 1)
  }

  removeAllOf(subscriber: Subscriber): void {
    for (const each of [...(this.#bySubscriber.get(subscriber)?.values() ?? [])]) this.remove(each)
  }

  #renew(held: Subscription, { namespaces, wantsData, form }: SubscriptionRequest): 'renewed' | 'full' {
    const isLasting = held.endsAtMs > this.#clock.monotonicMs()
    const merged = new Set([...(isLasting ? held.namespaces : []), ...namespaces])
    if (merged.size > MONITOR_NAMESPACES_MAX) return 'full'
    held.namespaces.clear()
    for (const namespace of merged) held.namespaces.add(namespace)
    held.wantsData = wantsData || (isLasting && held.wantsData)
    held.form = form
    held.endsAtMs = this.#leaseEndMs()
    return 'renewed'
  }

  #hasRoom({ account, subscriber }: SubscriptionRequest): boolean {
    const options = this.#options
    return (
      this.#count < options.subscriptionsMax &&
      this.#byAddress.of(subscriber.address) < options.subscriptionsPerAddressMax &&
      this.of(account).length < options.subscriptionsPerAccountMax &&
      (this.#bySubscriber.get(subscriber)?.size ?? 0) < options.subscriptionsPerConnectionMax
    )
  }

  #add(subscription: Subscription): void {
    const { account, subscriber } = subscription
    const same = this.#byAccount.get(account) ?? new Set()
    this.#byAccount.set(account, same.add(subscription))
    const own = this.#bySubscriber.get(subscriber) ?? new Map<string, Subscription>()
    this.#bySubscriber.set(subscriber, own.set(keyOf(subscription), subscription))
    this.#byAddress.add(subscriber.address)
    this.#setCount(this.#count + 1)
  }

  #leaseEndMs(): DurationMs {
    return this.#clock.monotonicMs() + this.#options.leaseMs
  }

  #setCount(count: number): void {
    this.#count = count
    this.#metrics.subscriptions.set(count)
  }
}

/** An owner and a subaccount are told apart: what the one may see need not be what the other may. */
function keyOf({ account, token }: Pick<Subscription, 'account' | 'token'>): string {
  return token === undefined ? account : `${account} ${toHex(token)}`
}
