import type { Envelope } from '../protocol/client-api/envelope.ts'
import { isJsonObject, type JsonValue } from '../protocol/json.ts'
import { type NetworkClock, SAMPLES_NEEDED } from './network-clock.ts'
import type { Answer, OnionTransport } from './onion-transport.ts'
import type { PathPool } from './path-pool.ts'
import { type Random, sample } from './random.ts'
import type { ReachableNode } from './reachable-node.ts'

export interface TimedOnionComponents {
  readonly onion: OnionTransport
  readonly pool: PathPool
  readonly clock: NetworkClock
  readonly random: Random
}

/** Asks nodes, and notes what each answer says about the time. */
export class TimedOnion {
  readonly #components: TimedOnionComponents

  constructor(components: TimedOnionComponents) {
    this.#components = components
  }

  async ask(destination: ReachableNode, request: Envelope, signal: AbortSignal): Promise<Answer> {
    const { onion, clock } = this.#components
    const sentMs = clock.localMs()
    const answer = await onion.ask(destination, request, signal)
    const nodeMs = timeIn(answer.body)
    if (nodeMs !== undefined) clock.add({ node: destination.key, nodeMs, sentMs, receivedMs: clock.localMs() })
    return answer
  }

  /** Compares the clock with three nodes chosen anew. Nodes that do not answer are left out. */
  async compareClock(signal: AbortSignal): Promise<void> {
    const { pool, clock, random } = this.#components
    clock.clear()
    const nodes = sample(pool.usable(), SAMPLES_NEEDED, random)
    await Promise.allSettled(nodes.map((node) => this.ask(node, { method: 'info', params: {} }, signal)))
    signal.throwIfAborted()
  }
}

function timeIn(body: JsonValue): number | undefined {
  const time = isJsonObject(body) ? body['t'] : undefined
  return typeof time === 'number' ? time : undefined
}
