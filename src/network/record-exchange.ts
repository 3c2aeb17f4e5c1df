import type { DurationMs } from '../base/clock.ts'
import { SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { PeerRequester, PeerResponder } from '../protocol/peer-api/peer-request.ts'
import {
  decodeRecordExchangeRequest,
  decodeRecordList,
  encodeRecordExchangeRequest,
  encodeRecordList,
  RECORD_EXCHANGE_MAX_BYTES,
} from '../protocol/peer-api/record-exchange.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { RECORD_SPACING_MS } from './own-record.ts'
import type { PeerDirectory, RecordChange } from './peer-directory.ts'
import { randomOf } from './random-choice.ts'

export interface RecordExchangeComponents {
  peers: PeerRequester & PeerResponder
  directory: PeerDirectory
  ownKey: ServiceNodeKey
  /** Peers that there is a connection to. */
  connected(): readonly ServiceNodeKey[]
  log: Logger
}

export interface RecordExchangeOptions {
  gossipFanOut: number
  gossipDelayMs: DurationMs
}

const EXCHANGE_TIMEOUT_MS = 10 * SECOND

/** Protocol `records`: bulk exchange with one peer, and passing on of what is new. */
export class RecordExchange implements Disposable {
  readonly #components: RecordExchangeComponents
  readonly #options: RecordExchangeOptions
  readonly #stopListening: () => void
  readonly #news = new Map<ServiceNodeKey, Uint8Array>()
  #gossipTimer: NodeJS.Timeout | undefined
  #disposed = false

  constructor(components: RecordExchangeComponents, options: RecordExchangeOptions) {
    this.#components = components
    this.#options = options
    components.peers.handle('records', (from, payload) => this.#answer(from, payload))
    this.#stopListening = components.directory.onRecord((change) => this.#onRecord(change))
  }

  /** Hands over our own record and takes what the peer knows better. @throws {PeerRequestError} */
  async exchangeWith(peer: ServiceNodeKey, options: { signal?: AbortSignal; inReturn?: boolean } = {}): Promise<void> {
    const { signal, inReturn = false } = options
    const { directory, peers, ownKey } = this.#components
    const own = directory.get(ownKey)
    const envelopes = own === undefined ? [] : [own.envelope]
    const request = encodeRecordExchangeRequest({ envelopes, held: directory.held(), inReturn })
    const answer = await peers.request(peer, 'records', request, {
      timeoutMs: EXCHANGE_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    })
    await directory.acceptAll(decodeRecordList(answer))
  }

  [Symbol.dispose](): void {
    this.#disposed = true
    this.#stopListening()
    clearTimeout(this.#gossipTimer)
  }

  async #answer(from: ServiceNodeKey, payload: Uint8Array): Promise<Uint8Array> {
    const { directory } = this.#components
    const { envelopes, held, inReturn } = decodeRecordExchangeRequest(payload)
    await directory.acceptAll(envelopes)
    if (held === undefined) return encodeRecordList([])
    const answer = encodeRecordList(directory.newerThan(held, RECORD_EXCHANGE_MAX_BYTES))
    if (!inReturn && directory.lacksAnyOf(held)) this.#askBack(from)
    return answer
  }

  #askBack(peer: ServiceNodeKey): void {
    if (this.#disposed) return
    this.exchangeWith(peer, { inReturn: true }).catch((error: unknown) => {
      this.#components.log.debug({ error }, 'An exchange of records failed')
    })
  }

  /** What is new goes to some peers, who do the same, so that all have it within a few steps. */
  #onRecord({ stored, before }: RecordChange): void {
    if (before !== undefined && stored.record.timestampMs < before.record.timestampMs + RECORD_SPACING_MS) return
    if (this.#disposed) return
    this.#news.set(stored.key, stored.envelope)
    this.#gossipTimer ??= setTimeout(() => this.#gossip(), this.#options.gossipDelayMs)
    this.#gossipTimer.unref()
  }

  #gossip(): void {
    this.#gossipTimer = undefined
    const envelopes = [...this.#news.values()]
    this.#news.clear()
    const { connected, peers, log } = this.#components
    for (const list of batchesOf(envelopes)) {
      const payload = encodeRecordExchangeRequest({ envelopes: list, held: undefined, inReturn: false })
      for (const peer of randomOf(connected(), this.#options.gossipFanOut)) {
        peers.request(peer, 'records', payload, { timeoutMs: EXCHANGE_TIMEOUT_MS }).catch((error: unknown) => {
          log.debug({ error }, 'New records could not be passed on')
        })
      }
    }
  }
}

/** Lists that fit one request each. */
function batchesOf(envelopes: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const batches: Uint8Array[][] = []
  let bytes = RECORD_EXCHANGE_MAX_BYTES
  for (const envelope of envelopes) {
    bytes += 2 + envelope.length
    if (bytes > RECORD_EXCHANGE_MAX_BYTES - 1024) {
      batches.push([])
      bytes = 2 + envelope.length
    }
    batches.at(-1)?.push(envelope)
  }
  return batches
}
