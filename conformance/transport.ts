import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { toBase64, utf8 } from '../src/base/bytes.ts'
import { SECOND } from '../src/base/clock.ts'
import { parseX25519PublicKey } from '../src/crypto/keys.ts'
import type { JsonValue } from '../src/protocol/json.ts'
import type { EncryptionType } from '../src/protocol/onion/encryption.ts'
import { buildOnionRequest, type OnionPathNode } from '../src/protocol/onion/request.ts'
import { openOnionReply } from '../src/protocol/onion/response.ts'
import { parseServiceNodeKey } from '../src/protocol/service-node.ts'
import { ExpectationFailed } from './expectations.ts'
import type { HttpReply, HttpsExchange } from './https-exchange.ts'
import type { NetworkNode } from './network-view.ts'

export type TransportName = 'https' | 'onion'

/** What a node answered. */
export interface Answer {
  readonly status: number
  /** JSON, or the text of a refusal; of bytes, their base64. */
  readonly body: JsonValue
  /** Whether the answer came as bytes. */
  readonly binary?: boolean
}

/** Carries the JSON text of a request to a node. */
export interface Transport {
  readonly name: TransportName
  ask(node: NetworkNode, text: string, signal: AbortSignal): Promise<Answer>
}

/** Hops before the destination, as in Session's clients. */
export const HOPS = 3

/**
 * Nodes that the paths of a run are made of. Many paths can be made of so few, and a large network is spared connections between
 * all of its nodes, which each makes when a path first needs it.
 */
const RELAYS = 8

export function createHttpsTransport(https: HttpsExchange): Transport {
  return {
    name: 'https',
    async ask(node, text, signal) {
      return answerOf(await https.exchange(node.place, { path: '/storage_rpc/v1', body: text }, signal))
    },
  }
}

/** Clients compare the exact Content-Type, so each answer's is looked at. */
function answerOf({ status, headers, body }: HttpReply): Answer {
  const type = headers['content-type']
  if (type === 'application/octet-stream') return { status, body: toBase64(body), binary: true }
  const text = body.toString('utf8')
  const json = type === 'application/json' ? parsed(text) : undefined
  if (json !== undefined) return { status, body: json }
  if (type === 'text/plain') return { status, body: text }
  throw new ExpectationFailed('Content-Type', 'application/json or text/plain', `${type} with ${text.slice(0, 80)}`)
}

export function createOnionTransport(https: HttpsExchange, nodes: readonly NetworkNode[]): Transport {
  const relays = sample(nodes, RELAYS)
  return {
    name: 'onion',
    async ask(node, text, signal) {
      for (;;) {
        const answer = await askOnce(node, text, signal)
        if (answer === undefined) continue
        if (!isBusy(answer)) return answer
        // Through onions nobody says for how long.
        await delay(SECOND, undefined, { signal })
      }
    },
  }

  /** One try, with layers of its own: nodes open none a second time. */
  async function askOnce(node: NetworkNode, text: string, signal: AbortSignal): Promise<Answer | undefined> {
    const hops = chooseHops(relays, node)
    const encryption: EncryptionType = randomInt(2) === 0 ? 'aes-gcm' : 'xchacha20'
    const { body, replyKey } = buildOnionRequest({
      path: hops.map(pathNode),
      destination: { kind: 'service-node', ...pathNode(node) },
      payload: utf8(text),
      encryption,
    })
    const guard = hops[0]
    if (guard === undefined) throw new Error('A path has no hops')
    const reply = await https.once(guard.place, { path: '/onion_req/v2', body }, signal)
    if (reply === undefined) return undefined
    if (reply.status === 429 || reply.status === 503) {
      return { status: reply.status, body: reply.body.toString('utf8') }
    }
    if (reply.status !== 200) {
      throw new ExpectationFailed('onion reply', 200, `${reply.status} ${reply.body.toString('utf8')}`)
    }
    const opened = openOnionReply(replyKey, reply.body)
    const said = opened.body
    return { status: opened.status, body: typeof said === 'string' ? (parsed(said) ?? said) : said }
  }
}

/** What a node, or one on the way to it, says when it has too much to do: nothing about what was asked. */
const BUSY_TEXTS: readonly JsonValue[] = [
  'Server busy, try again later',
  'Snode not ready',
  'Too Many Requests\n',
  'Too many requests, try again later',
]

function isBusy({ status, body }: Answer): boolean {
  return (status === 429 || status === 503) && BUSY_TEXTS.includes(body)
}

/** JSON objects and lists; whatever else is text. */
function parsed(text: string): JsonValue | undefined {
  if (!/^[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}

/** Different nodes, none of them the destination. */
export function chooseHops(nodes: readonly NetworkNode[], destination: NetworkNode): readonly NetworkNode[] {
  const others = nodes.filter(({ key }) => key !== destination.key)
  if (others.length < HOPS) throw new Error(`A path needs ${HOPS} nodes besides its destination`)
  return sample(others, HOPS)
}

/** Some of the nodes in random order, or all if there are not so many. */
function sample(nodes: readonly NetworkNode[], count: number): readonly NetworkNode[] {
  const rest = [...nodes]
  const chosen: NetworkNode[] = []
  while (chosen.length < count && rest.length > 0) chosen.push(...rest.splice(randomInt(rest.length), 1))
  return chosen
}

export function pathNode({ key, x25519 }: NetworkNode): OnionPathNode {
  const ed25519 = parseServiceNodeKey(key)
  const image = parseX25519PublicKey(x25519)
  if (ed25519 === undefined || image === undefined) {
    throw new Error('A node of the list has a malformed key')
  }
  return { ed25519, x25519: image }
}
