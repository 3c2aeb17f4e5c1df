import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/coded-error.ts'
import type { AccountId } from '../../protocol/account.ts'
import { type MonitorAnswer, type MonitorEnd, readMonitorRequest } from '../../protocol/client-api/monitor.ts'
import type { MonitorDictionary } from '../../protocol/client-api/monitor-dictionary.ts'
import { MONITOR_ERROR } from '../../protocol/client-api/monitor-error.ts'
import type { MonitorForm } from '../../protocol/client-api/monitor-frame.ts'
import type { StoredMessage } from '../../protocol/message.ts'
import { isUnrevocable, type Namespace } from '../../protocol/namespace.ts'
import type { AccountLimiter } from '../account-limiter.ts'
import type { Revocations } from '../revocations.ts'
import type { ServiceNodeDirectory, SwarmView } from '../service-node-directory.ts'
import { authenticationOf, type MonitorAuthorization } from './authorization.ts'
import { Deliveries } from './deliveries.ts'
import type { EndReason, MonitorMetrics } from './metrics.ts'
import type { MonitorOptions } from './options.ts'
import { refusedAnswer } from './refusal.ts'
import { type Subscriber, type Subscription, Subscriptions } from './subscriptions.ts'
import { Waits } from './waits.ts'

export interface MonitorComponents {
  readonly clock: Clock
  readonly metrics: MonitorMetrics
  readonly swarm: Pick<SwarmView, 'serves' | 'onChange'>
  readonly directory: Pick<ServiceNodeDirectory, 'swarmAnswer'>
  readonly accounts: Pick<AccountLimiter, 'take'>
  readonly authorization: MonitorAuthorization
  readonly revocations: Pick<Revocations, 'isRevoked'>
  /** Why this node should not serve clients now; empty when it is ready. */
  readonly readiness: () => readonly string[]
}

/** Accounts looked at in one turn of the event loop, when the swarms have changed. */
const RECHECKED_MAX = 500

/** Tells those who asked for it of new messages: over connections, and to requests that wait (docs/protocol/monitor.md). */
export class Monitor {
  readonly waits: Waits
  readonly #components: MonitorComponents
  readonly #subscriptions: Subscriptions
  readonly #deliveries: Deliveries
  #recheck: NodeJS.Immediate | undefined

  constructor(components: MonitorComponents, options: MonitorOptions) {
    this.#components = components
    this.waits = new Waits(components, options)
    this.#subscriptions = new Subscriptions(components, options)
    this.#deliveries = new Deliveries(
      {
        metrics: components.metrics,
        audience: (message) => this.#audience(message),
        watching: (account) => this.#subscriptions.of(account),
      },
      options,
    )
    components.swarm.onChange(() => this.#recheckSoon(this.#watched()))
  }

  isReady(): boolean {
    return this.#components.readiness().length === 0
  }

  /** Makes or renews a subscription. Never throws for what a client can do wrong. */
  subscribe(subscriber: Subscriber, fields: MonitorDictionary, form: MonitorForm): MonitorAnswer {
    const { metrics } = this.#components
    const { answer, result } = this.#subscribe(subscriber, fields, form)
    metrics.requests.inc({ result })
    return answer
  }

  /** Forgets a connection that has gone. */
  leave(subscriber: Subscriber): void {
    this.#subscriptions.removeAllOf(subscriber)
  }

  /** Subscriptions of a connection whose lease lasts. */
  countOf(subscriber: Subscriber): number {
    return this.#subscriptions.countOf(subscriber)
  }

  /** A message that was not held before is on disk. */
  announce(message: StoredMessage): void {
    this.waits.announce(message.account, message.namespace)
    if (this.#subscriptions.has(message.account)) this.#deliveries.push(message)
  }

  /** An account's owner has revoked subaccounts. */
  revoked(account: AccountId): void {
    for (const subscription of this.#subscriptions.of(account)) {
      if (this.#isRevoked(subscription)) this.#endRevoked(subscription)
    }
    this.waits.change(account)
  }

  /** No wait and no delivery outlasts this. */
  stop(): void {
    clearImmediate(this.#recheck)
    this.#deliveries.stop()
    this.waits.stop()
  }

  #subscribe(
    subscriber: Subscriber,
    fields: MonitorDictionary,
    form: MonitorForm,
  ): { readonly answer: MonitorAnswer; readonly result: 'added' | 'renewed' | 'refused' } {
    const { accounts, authorization, clock, swarm } = this.#components
    try {
      const request = readMonitorRequest(fields)
      const account = authorization.accountOf(request)
      if (!swarm.serves(account)) return { answer: this.#movedAnswer(account), result: 'refused' }
      authorization.check(account, request, clock.nowMs())
      accounts.take('reads', { account, authentication: authenticationOf(request) })
      const { namespaces, wantsData } = request
      const token = request.subaccount?.token
      const result = this.#subscriptions.put({ account, subscriber, token, namespaces, wantsData, form })
      return result === 'full' ? { answer: FULL, result: 'refused' } : { answer: { success: 1 }, result }
    } catch (error) {
      return { answer: refusedAnswer(error), result: 'refused' }
    }
  }

  /** Those who may be told of a message now. What has ended meanwhile is ended here. */
  #audience({ account, namespace }: StoredMessage): readonly Subscription[] {
    if (!this.#components.swarm.serves(account)) {
      this.#endMoved(account)
      return []
    }
    const watching = this.#subscriptions.of(account).filter(({ namespaces }) => namespaces.has(namespace))
    return watching.filter((subscription) => {
      if (!this.#isRevoked(subscription)) return true
      this.#endRevoked(subscription)
      return isUnrevocable(namespace)
    })
  }

  #isRevoked({ account, token }: Subscription): boolean {
    return token !== undefined && this.#components.revocations.isRevoked(account, token)
  }

  /** A revoked subaccount is still told of what it may still retrieve. */
  #endRevoked(subscription: Subscription): void {
    const ended = [...subscription.namespaces].filter((namespace) => !isUnrevocable(namespace))
    if (ended.length === 0) return
    const refusal = { errcode: MONITOR_ERROR.badSignature, error: 'The subaccount was revoked' }
    this.#end(subscription, ended, refusal, 'revoked')
  }

  #endMoved(account: AccountId): void {
    for (const subscription of this.#subscriptions.of(account)) {
      this.#end(subscription, [...subscription.namespaces], this.#movedAnswer(account), 'swarm')
    }
    this.waits.change(account)
  }

  #end(
    subscription: Subscription,
    ended: readonly Namespace[],
    refusal: Pick<MonitorEnd, 'errcode' | 'error' | 'swarm'>,
    reason: EndReason,
  ): void {
    const { account, form, namespaces, subscriber } = subscription
    for (const namespace of ended) namespaces.delete(namespace)
    if (namespaces.size === 0) this.#subscriptions.remove(subscription)
    this.#components.metrics.ended.inc({ reason })
    subscriber.end({ account, namespaces: ended.toSorted((a, b) => a - b), ...refusal }, form)
  }

  /** What is said of an account that is not ours, with those whose it is. */
  #movedAnswer(account: AccountId): Pick<MonitorEnd, 'errcode' | 'error' | 'swarm'> {
    try {
      const { snodes = [], swarm = '' } = this.#components.directory.swarmAnswer(account, 0)
      return { errcode: MONITOR_ERROR.wrongSwarm, error: 'Wrong swarm', swarm: { snodes, swarm } }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      return refusedAnswer(error)
    }
  }

  #watched(): readonly AccountId[] {
    return [...new Set([...this.#subscriptions.accounts(), ...this.waits.accounts()])]
  }

  /** There may be many thousands, so they are looked at in turns. A later change begins anew. */
  #recheckSoon(accounts: readonly AccountId[]): void {
    clearImmediate(this.#recheck)
    if (accounts.length === 0) return
    this.#recheck = setImmediate(() => {
      for (const account of accounts.slice(0, RECHECKED_MAX)) {
        if (!this.#components.swarm.serves(account)) this.#endMoved(account)
      }
      this.#recheckSoon(accounts.slice(RECHECKED_MAX))
    })
  }
}

const FULL: MonitorAnswer = { errcode: MONITOR_ERROR.busy, error: 'No room for more subscriptions, try again later' }
