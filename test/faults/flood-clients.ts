// The honest clients of flood.ts: each stores and retrieves from an address of its own, now over a new connection and now over the last one.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import type { HttpsPlace } from '../../devnet/node-request.ts'
import { utf8 } from '../../src/base/bytes.ts'
import { type Account, type Envelope, retrieveRequest, storeRequest } from '../../src/client/index.ts'
import { newAccount } from '../support/people.ts'

const PAUSE_MS = 250
/** Clients give up then. */
const ANSWER_MAX_MS = 10_000
const TTL_MS = 3_600_000

export interface Outcome {
  readonly atMs: number
  readonly tookMs: number
  /** What went wrong; undefined for a success. */
  readonly failure: string | undefined
}

/** Stores a message and retrieves it, again and again. Each of both is one outcome. */
export class HonestClient {
  readonly outcomes: Outcome[] = []
  readonly #target: HttpsPlace
  readonly #address: string
  readonly #account: Account = newAccount()
  #agent: Agent
  #count = 0
  /** How far the request under way has come. */
  #stage = ''

  constructor(target: HttpsPlace, address: string) {
    this.#target = target
    this.#address = address
    this.#agent = this.#newAgent()
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const text = `Message ${this.#count++}`
      const hash = await this.#judged(async () => hashOf(await this.#call(this.#store(text))))
      await delay(PAUSE_MS)
      await this.#judged(async () => requireHeld(await this.#call(this.#retrieve()), hash))
      await delay(PAUSE_MS)
      if (this.#count % 2 === 0) this.#agent = this.#newAgent()
    }
    this.#agent.destroy()
  }

  async #judged<T>(work: () => Promise<T>): Promise<T | undefined> {
    const startMs = performance.now()
    try {
      const result = await work()
      this.outcomes.push({ atMs: startMs, tookMs: performance.now() - startMs, failure: undefined })
      return result
    } catch (error) {
      const failure = error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error)
      this.outcomes.push({ atMs: startMs, tookMs: performance.now() - startMs, failure: `${failure}, ${this.#stage}` })
      return undefined
    }
  }

  #newAgent(): Agent {
    this.#agent?.destroy()
    return new Agent({ keepAlive: true, maxSockets: 1, localAddress: this.#address, rejectUnauthorized: false })
  }

  #store(text: string): Envelope {
    const timestampMs = Date.now()
    const message = { account: this.#account.id, namespace: 0, data: utf8(text), timestampMs, ttlMs: TTL_MS }
    return storeRequest(message, undefined)
  }

  #retrieve(): Envelope {
    const query = { namespace: 0, timestampMs: Date.now(), newestFirst: true, countMax: 10 }
    return retrieveRequest(query, this.#account)
  }

  async #call({ method, params }: Envelope): Promise<Record<string, unknown>> {
    const body = JSON.stringify({ method, params })
    const { ip, httpsPort } = this.#target
    const outgoing = request({
      host: ip,
      port: httpsPort,
      path: '/storage_rpc/v1',
      method: 'POST',
      agent: this.#agent,
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
      headers: { 'Content-Length': Buffer.byteLength(body) },
    })
    this.#stage = 'connecting'
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) this.#stage = 'asking over the last connection'
      socket.once('connect', () => {
        this.#stage = 'shaking hands'
      })
      socket.once('secureConnect', () => {
        this.#stage = 'asking over a new connection'
      })
    })
    outgoing.end(body)
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of reply) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    if (reply.statusCode !== 200) throw new Error(`${reply.statusCode} ${text.slice(0, 60)}`)
    return JSON.parse(text) as Record<string, unknown>
  }
}

function hashOf({ hash }: Record<string, unknown>): string {
  if (typeof hash !== 'string') throw new Error('A store without a hash')
  return hash
}

function requireHeld({ messages }: Record<string, unknown>, hash: string | undefined): void {
  const held = Array.isArray(messages) && messages.some((message: { hash: string }) => message.hash === hash)
  if (hash !== undefined && !held) throw new Error('A message that was stored is not there')
}
