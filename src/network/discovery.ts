import { setTimeout as sleep } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, DurationMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { NetworkOptions } from './options.ts'
import type { OwnRecord } from './own-record.ts'
import type { PeerDirectory } from './peer-directory.ts'
import { fromMultiaddr } from './peer-identity.ts'
import { randomOf, spread } from './random-choice.ts'
import type { RecordExchange } from './record-exchange.ts'
import type { RecordLookup } from './record-lookup.ts'

/** Who has a stake. */
interface Membership {
  isMember(key: ServiceNodeKey): boolean
}

/** Connections, as far as finding each other needs them. */
export interface Connector {
  /** Peers that there is a connection to. */
  connected(): readonly ServiceNodeKey[]
  /** Dials a bootstrap node and says who it is; undefined when that is us. Rejects when it cannot be reached. */
  dialBootstrap(address: string, signal: AbortSignal): Promise<ServiceNodeKey | undefined>
}

export interface DiscoveryComponents {
  ownKey: ServiceNodeKey
  membership: Membership
  directory: PeerDirectory
  exchange: RecordExchange
  lookup: RecordLookup
  ownRecord: OwnRecord
  connector: Connector
  clock: Clock
  log: Logger
}

type Options = Pick<
  NetworkOptions,
  | 'bootstrapMultiaddrs'
  | 'republishIntervalMs'
  | 'exchangeIntervalMs'
  | 'gapIntervalMs'
  | 'joinRetryMinMs'
  | 'joinRetryMaxMs'
  | 'connectionsMin'
  | 'lookupsPerRound'
  | 'dhtDelayMs'
>

/** Members asked at once when there is no connection: bootstrap nodes may be gone, those known from disk may not. */
const KNOWN_TRIED_AT_ONCE = 8

/**
 * Meets the others and keeps knowing where they are: joins through bootstrap nodes or records from disk, exchanges
 * records, fills gaps from the DHT, publishes our own record. One loop, so that rounds never overlap.
 */
export class Discovery implements AsyncDisposable {
  readonly #components: DiscoveryComponents
  #options: Options
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #wake: (() => void) | undefined
  /** Set when something happened during a round that the next one must see. */
  #again = false
  #lost = false
  /** Who was met at which bootstrap address; it need not say. */
  readonly #bootstrapKeys = new Map<string, ServiceNodeKey>()
  #publishedMs: DurationMs | undefined
  readonly #dhtFromMs: DurationMs
  #missingBefore = 0
  #stored = false
  #joined = false
  #pauseMs = 0

  constructor(components: DiscoveryComponents, options: Options) {
    this.#components = components
    this.#options = options
    this.#dhtFromMs = components.clock.monotonicMs() + spread(options.dhtDelayMs)
  }

  start(): void {
    this.#running ??= this.#run(this.#stop.signal)
  }

  /** To be called when what our own record says has changed. */
  republish(): void {
    this.#publishedMs = undefined
    this.wake()
  }

  /** To be called when there is reason to look again, such as another member list. */
  wake(): void {
    this.#pauseMs = 0
    this.#again = true
    this.#wake?.()
  }

  /** To be called when the last connection has ended. The pause before the next round keeps a flapping peer in check. */
  lostAll(): void {
    this.#pauseMs = 0
    this.#lost = true
    this.#wake?.()
  }

  /** To be called on a new connection that we opened; who dials, asks. Nothing is asked when everyone is known. */
  greet(peer: ServiceNodeKey): void {
    if (this.#stop.signal.aborted || this.#components.directory.missing().length === 0) return
    void this.#tryAsk(peer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#wake?.()
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#again = false
      this.#lost = false
      try {
        await this.#round(signal)
      } catch (error) {
        if (!signal.aborted) this.#components.log.warn({ error }, 'A round of finding other service nodes failed')
        this.#grow(this.#options.joinRetryMinMs, this.#options.joinRetryMaxMs)
      }
      await this.#pause(signal)
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { ownKey, membership, connector, directory } = this.#components
    // Everybody would refuse us.
    if (!membership.isMember(ownKey)) return this.#grow(this.#options.joinRetryMinMs, this.#options.joinRetryMaxMs)
    await this.#signOwn()
    if (connector.connected().length === 0) await this.#join()
    else {
      const strayed = this.#strayedBootstraps().map((address) => this.#attempt(this.#askBootstrap(address)))
      await Promise.all([...this.#whomToAsk().map((peer) => this.#tryAsk(peer)), ...strayed])
    }
    if (connector.connected().length === 0) {
      return this.#grow(this.#options.joinRetryMinMs, this.#options.joinRetryMaxMs)
    }
    if (this.#components.clock.monotonicMs() >= this.#dhtFromMs) {
      this.#storeOwn(signal)
      await this.#lookUpMissing(signal)
    }
    this.#pauseForGaps(directory.missing().length)
  }

  /** Short while records keep coming, then longer and longer: some members may be gone for good. */
  #pauseForGaps(missing: number): void {
    const progress = missing < this.#missingBefore
    this.#missingBefore = missing
    if (missing === 0) this.#pauseMs = this.#options.exchangeIntervalMs
    else if (progress) this.#pauseMs = this.#options.gapIntervalMs
    else this.#grow(this.#options.gapIntervalMs, this.#options.exchangeIntervalMs)
  }

  /** One of those connected, and as many others as we are short of connections. */
  #whomToAsk(): readonly ServiceNodeKey[] {
    const { connector, directory, ownKey } = this.#components
    const connected = connector.connected()
    const others = directory.all().flatMap(({ key }) => (key === ownKey || connected.includes(key) ? [] : [key]))
    const short = Math.max(0, this.#options.connectionsMin - connected.length)
    return [...randomOf(connected, 1), ...randomOf(others, short)]
  }

  /** Takes other bootstrap addresses, for whenever one is needed. */
  setBootstrap(bootstrapMultiaddrs: readonly string[]): void {
    this.#options = { ...this.#options, bootstrapMultiaddrs }
    this.#bootstrapKeys.clear()
    this.wake()
  }

  /**
   * Bootstrap nodes that nobody has heard of. One that refused everybody, since it learned of their stake later than they
   * did, may have nobody to dial itself.
   */
  #strayedBootstraps(): readonly string[] {
    const missing = new Set(this.#components.directory.missing())
    return this.#options.bootstrapMultiaddrs.filter((address) => {
      const key = this.#bootstrapKeys.get(address) ?? fromMultiaddr(multiaddr(address))
      return key === undefined ? missing.size > 0 : missing.has(key)
    })
  }

  /** Signs and keeps our own record when it is due; keeping it passes it on to connected peers. */
  async #signOwn(): Promise<void> {
    const { clock, ownRecord, directory, log } = this.#components
    const nowMs = clock.monotonicMs()
    if (this.#publishedMs !== undefined && nowMs < this.#publishedMs + this.#options.republishIntervalMs) return
    const envelope = await ownRecord.sign()
    if (envelope === undefined) return
    const outcome = await directory.accept(envelope)
    if (outcome !== 'new' && outcome !== 'updated') {
      // For example, a private address on a public network: others would refuse the record as we do.
      return log.warn({ outcome }, 'The record of this service node is not valid: others cannot find it')
    }
    this.#publishedMs = nowMs
    this.#stored = false
  }

  async #lookUpMissing(signal: AbortSignal): Promise<void> {
    const { directory, lookup } = this.#components
    const gaps = randomOf(directory.missing(), this.#options.lookupsPerRound)
    await Promise.all(gaps.map((key) => lookup.find(key, signal)))
  }

  /** Does not hold up the round. */
  #storeOwn(signal: AbortSignal): void {
    const { directory, ownKey, lookup } = this.#components
    const own = directory.get(ownKey)
    if (this.#stored || own === undefined) return
    this.#stored = true
    void lookup.publish(ownKey, own.envelope, signal)
  }

  async #join(): Promise<void> {
    const { directory, log, ownKey, connector } = this.#components
    const { bootstrapMultiaddrs } = this.#options
    const others = directory.all().filter(({ key }) => key !== ownKey)
    const known = randomOf(others, KNOWN_TRIED_AT_ONCE)
    if (!this.#joined && this.#pauseMs === 0) {
      log.info({ bootstrapNodes: bootstrapMultiaddrs.length, known: others.length }, 'Looking for other service nodes')
    }
    const attempts = await Promise.allSettled([
      ...bootstrapMultiaddrs.map((address) => this.#askBootstrap(address)),
      ...known.map(({ key }) => this.#ask(key)),
    ])
    if (attempts.some(({ status }) => status === 'fulfilled')) {
      log.info({ connected: connector.connected().length, records: directory.all().length }, 'Met other service nodes')
      this.#joined = true
      this.#pauseMs = 0
    } else if (attempts.length > 0) {
      log.info({ tried: attempts.length }, 'No other service node answers yet; trying again')
    }
  }

  async #askBootstrap(address: string): Promise<void> {
    const key = await this.#components.connector.dialBootstrap(address, this.#stop.signal)
    if (key === undefined) throw new Error('This bootstrap address is our own')
    this.#bootstrapKeys.set(address, key)
    await this.#ask(key)
  }

  #tryAsk(peer: ServiceNodeKey): Promise<void> {
    return this.#attempt(this.#ask(peer))
  }

  async #attempt(exchange: Promise<void>): Promise<void> {
    await exchange.catch((error: unknown) => {
      this.#components.log.debug({ error }, 'An exchange of records failed')
    })
  }

  #ask(peer: ServiceNodeKey): Promise<void> {
    return this.#components.exchange.exchangeWith(peer, { signal: this.#stop.signal })
  }

  #grow(firstMs: DurationMs, mostMs: DurationMs): void {
    this.#pauseMs = this.#pauseMs === 0 ? firstMs : Math.min(this.#pauseMs * 2, mostMs)
  }

  async #pause(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#again) return
    // The round may have lost the last connection after it looked.
    if (!this.#lost) {
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      await sleep(spread(this.#pauseMs), undefined, { signal: woken.signal, ref: false }).catch(() => {})
      this.#wake = undefined
    }
    if (!this.#lost) return
    await sleep(spread(this.#options.joinRetryMinMs), undefined, { signal, ref: false }).catch(() => {})
  }
}
