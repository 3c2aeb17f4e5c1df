import type { DurationMs } from '../base/clock.ts'
import { type Envelope, encodeEnvelope } from '../protocol/client-api/envelope.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { type JsonValue, parseJsonText } from '../protocol/json.ts'
import { JSON_ANSWER_VALUES_MAX } from '../protocol/limits.ts'
import { openOnionReply, type ReplyKey } from '../protocol/onion/response.ts'
import { onionNode, type PathSender } from './path-sender.ts'
import type { ReachableNode } from './reachable-node.ts'

/** The way of one request that was answered. */
export interface Route {
  /** The hops, guard first. */
  readonly hops: readonly ReachableNode[]
  readonly destination: ReachableNode
  readonly method: string
}

export interface OnionTransportComponents {
  readonly sender: PathSender
  readonly onRoute?: ((route: Route) => void) | undefined
}

/** What the destination said, and nobody else could have. Its status may be any. */
export interface Answer {
  readonly status: number
  /** JSON, or the text of a refusal. */
  readonly body: JsonValue
}

/** Asks service nodes through paths. */
export class OnionTransport {
  readonly #sender: PathSender
  readonly #onRoute: OnionTransportComponents['onRoute']

  constructor({ sender, onRoute }: OnionTransportComponents) {
    this.#sender = sender
    this.#onRoute = onRoute
  }

  /**
   * The destination's answer, whatever its status. On each path it is waited for as long as on any, or for `timeoutMs`.
   * @throws {ClientError} PATHS_FAILED, DESTINATION_UNREACHABLE, TOO_FEW_NODES, OFFLINE, TOO_LARGE; the signal's reason
   */
  async ask(
    destination: ReachableNode,
    request: Envelope,
    signal: AbortSignal,
    timeoutMs?: DurationMs,
  ): Promise<Answer> {
    const { path, reply } = await this.#sender.send(
      {
        destination: { kind: 'service-node', ...onionNode(destination) },
        node: destination,
        payload: encodeEnvelope(request),
        timeoutMs,
        open: ({ replyKey }, httpBody) => openAnswer(replyKey, httpBody),
      },
      signal,
    )
    this.#onRoute?.({ hops: path.hops, destination, method: request.method })
    return reply
  }
}

/** Undefined when it does not open. */
export function openAnswer(replyKey: ReplyKey, httpBody: Uint8Array): Answer | undefined {
  try {
    const { status, body } = openOnionReply(replyKey, httpBody)
    return { status, body: typeof body === 'string' ? jsonOrText(body) : body }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** Bodies are JSON written as a string, but for refusals, which are text. */
export function jsonOrText(text: string): JsonValue {
  if (!/^[[{]/.test(text)) return text
  try {
    return parseJsonText(text, JSON_ANSWER_VALUES_MAX)
  } catch (error) {
    if (error instanceof ProtocolError) return text
    throw error
  }
}
