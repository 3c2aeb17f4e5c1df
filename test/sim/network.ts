// The wires of a simulation: requests take their time, get lost, arrive twice or late, and do not pass a cut.
import type { DurationMs } from '../../src/base/clock.ts'
import type { PeerProtocol } from '../../src/protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../../src/protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../../src/protocol/service-node.ts'
import type { LifeTime, VirtualTime } from './virtual-time.ts'

export type Handler = (from: ServiceNodeKey, payload: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>

export interface WireChance {
  delayMs(): DurationMs
  isLost(): boolean
  isDoubled(): boolean
}

/** What one process has open. */
export interface Endpoint {
  readonly life: LifeTime
  readonly handlers: ReadonlyMap<PeerProtocol, Handler>
}

export class SimulatedNetwork {
  readonly #time: VirtualTime
  readonly #chance: WireChance
  readonly #endpoints = new Map<ServiceNodeKey, Endpoint>()
  /** Ways that nothing passes, in one direction. */
  readonly #cuts = new Set<string>()
  bytes = 0

  constructor(time: VirtualTime, chance: WireChance) {
    this.#time = time
    this.#chance = chance
  }

  attach(key: ServiceNodeKey, endpoint: Endpoint): void {
    this.#endpoints.set(key, endpoint)
  }

  detach(key: ServiceNodeKey): void {
    this.#endpoints.delete(key)
  }

  cut(from: ServiceNodeKey, to: ServiceNodeKey): void {
    this.#cuts.add(from + to)
  }

  heal(): void {
    this.#cuts.clear()
  }

  request(
    from: ServiceNodeKey,
    to: ServiceNodeKey,
    { protocol, payload, life }: { protocol: PeerProtocol; payload: Uint8Array; life: LifeTime },
    { timeoutMs, signal }: { timeoutMs: DurationMs; signal?: AbortSignal },
  ): Promise<Uint8Array> {
    this.bytes += payload.length
    return new Promise((resolve, reject) => {
      const cancel = life.after(timeoutMs, () => reject(new PeerRequestError('PEER_TIMEOUT', 'No answer in time')))
      const settle = (end: () => void) => () => {
        if (life.isOver) return
        cancel()
        end()
      }
      signal?.addEventListener(
        'abort',
        settle(() => reject(signal.reason)),
        { once: true },
      )
      const refuse = () => reject(new PeerRequestError('PEER_UNREACHABLE', 'Nobody listens there'))
      const deliver = () =>
        this.#deliver(
          from,
          to,
          { protocol, payload },
          {
            answer: (bytes) =>
              this.#travel(
                to,
                from,
                settle(() => resolve(bytes)),
              ),
            fail: () =>
              this.#travel(
                to,
                from,
                settle(() => reject(new PeerRequestError('PEER_FAILED', 'It failed there'))),
              ),
            absent: () => this.#travel(to, from, settle(refuse)),
          },
        )
      this.#travel(from, to, deliver)
      if (this.#chance.isDoubled()) this.#travel(from, to, deliver)
    })
  }

  #travel(from: ServiceNodeKey, to: ServiceNodeKey, arrive: () => void): void {
    if (this.#chance.isLost()) return
    this.#time.after(this.#chance.delayMs(), () => {
      if (!this.#cuts.has(from + to)) arrive()
    })
  }

  #deliver(
    from: ServiceNodeKey,
    to: ServiceNodeKey,
    { protocol, payload }: { protocol: PeerProtocol; payload: Uint8Array },
    reply: { answer(bytes: Uint8Array): void; fail(): void; absent(): void },
  ): void {
    const endpoint = this.#endpoints.get(to)
    const handler = endpoint?.handlers.get(protocol)
    if (endpoint === undefined || endpoint.life.isOver || handler === undefined) {
      reply.absent()
      return
    }
    const signal = new AbortController().signal
    handler(from, Buffer.from(payload), signal).then(
      (bytes) => {
        if (endpoint.life.isOver) return
        this.bytes += bytes.length
        reply.answer(Buffer.from(bytes))
      },
      () => {
        if (!endpoint.life.isOver) reply.fail()
      },
    )
  }
}
