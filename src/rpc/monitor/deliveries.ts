import type { AccountId } from '../../protocol/account.ts'
import type { MonitorForm } from '../../protocol/client-api/monitor-frame.ts'
import type { StoredMessage } from '../../protocol/message.ts'
import type { MonitorMetrics } from './metrics.ts'
import { Notification } from './notification.ts'
import type { MonitorOptions } from './options.ts'
import type { Subscriber, Subscription } from './subscriptions.ts'

export interface DeliveriesComponents {
  readonly metrics: Pick<MonitorMetrics, 'notifications'>
  /** Subscriptions that may be told of this message now. */
  readonly audience: (message: StoredMessage) => readonly Subscription[]
  /** All that watch this account, and may not be told of the message. */
  readonly watching: (account: AccountId) => readonly Subscription[]
}

/** What a message in the queue takes besides its data. */
const ENTRY_BYTES = 500
/** Notifications in one turn of the event loop: each takes some twenty microseconds, and requests wait meanwhile. */
const TURN_MAX = 64

/** Tells of messages a little later than they are stored, so that no store waits for it. */
export class Deliveries {
  readonly #components: DeliveriesComponents
  readonly #options: Pick<MonitorOptions, 'queueMaxBytes'>
  #queue: StoredMessage[] = []
  #queuedBytes = 0
  #turn: NodeJS.Immediate | undefined

  constructor(components: DeliveriesComponents, options: Pick<MonitorOptions, 'queueMaxBytes'>) {
    this.#components = components
    this.#options = options
  }

  push(message: StoredMessage): void {
    const bytes = sizeOf(message)
    if (this.#queuedBytes + bytes > this.#options.queueMaxBytes) return void this.#overflow(message)
    this.#queue.push(message)
    this.#queuedBytes += bytes
    this.#turn ??= setImmediate(() => this.#run())
  }

  stop(): void {
    clearImmediate(this.#turn)
    this.#queue = []
    this.#queuedBytes = 0
  }

  #run(): void {
    this.#turn = undefined
    let done = 0
    let taken = 0
    for (const message of this.#queue) {
      if (done >= TURN_MAX) break
      taken++
      this.#queuedBytes -= sizeOf(message)
      done += 1 + this.#deliver(message)
    }
    this.#queue.splice(0, taken)
    if (this.#queue.length > 0) this.#turn = setImmediate(() => this.#run())
  }

  /** A connection is told once, even if an owner and a subaccount watch over it. Returns how many were told. */
  #deliver(message: StoredMessage): number {
    const told = new Map<Subscriber, { withData: boolean; form: MonitorForm }>()
    for (const { subscriber, wantsData, form } of this.#components.audience(message)) {
      told.set(subscriber, { withData: wantsData || told.get(subscriber)?.withData === true, form })
    }
    const notification = new Notification(message)
    for (const [subscriber, { withData, form }] of told) subscriber.notify(notification, withData, form)
    return told.size
  }

  /** Whoever would not hear of it must know that there is something to ask for. */
  #overflow({ account, namespace }: StoredMessage): void {
    const missing = this.#components.watching(account).filter(({ namespaces }) => namespaces.has(namespace))
    for (const subscriber of new Set(missing.map((each) => each.subscriber))) {
      this.#components.metrics.notifications.inc({ outcome: 'overflow' })
      subscriber.overflow()
    }
  }
}

function sizeOf({ data }: StoredMessage): number {
  return ENTRY_BYTES + data.length
}
