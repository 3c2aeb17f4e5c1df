// Two ways to hear of messages: to be told over a WebSocket and then ask for what is new, and to ask from time to time.
import { WebSocket } from 'ws'
import type { Account } from '../src/client/account.ts'
import { monitorParams } from '../src/client/follow/monitor-params.ts'
import { retrieveRequest } from '../src/client/signed-params.ts'
import { type Envelope, encodeEnvelope } from '../src/protocol/client-api/envelope.ts'
import type { MessageHash } from '../src/protocol/message.ts'
import { ConnectionPool } from './connection-pool.ts'
import { clientAddress, type Target } from './https-connection.ts'
import { paced } from './paced.ts'

/** What Session's clients follow of a user's own account: direct messages, and what its devices tell one another. */
const NAMESPACES = [0, 2, 3, 4, 5]
/** WebSockets that are opened at the same time. */
const OPENED_AT_ONCE = 16
const FETCHING_CONNECTIONS = 2
const POLLING_CONNECTIONS = 32

/** What an account's client has heard of. */
class Mailboxes {
  readonly heard = new Set<string>()
  readonly #last = new Map<Account, MessageHash>()

  retrieve(account: Account, namespace: number): Envelope {
    const afterHash = namespace === 0 ? this.#last.get(account) : undefined
    return retrieveRequest({ namespace, afterHash, timestampMs: Date.now() }, account)
  }

  take(account: Account, messages: readonly { readonly hash: MessageHash }[]): void {
    for (const { hash } of messages) this.heard.add(hash)
    const last = messages.at(-1)
    if (last !== undefined) this.#last.set(account, last.hash)
  }
}

/** Clients with a WebSocket each, which ask for messages when they are told that there are some. */
export class PushFollowers implements Disposable {
  readonly #target: Target
  readonly #mailboxes = new Mailboxes()
  readonly #sockets: WebSocket[] = []
  readonly #fetches: Promise<void>[] = []
  readonly #pool: ConnectionPool

  private constructor(target: Target) {
    this.#target = target
    this.#pool = new ConnectionPool(target, FETCHING_CONNECTIONS)
  }

  static async open(target: Target, accounts: readonly Account[]): Promise<PushFollowers> {
    const followers = new PushFollowers(target)
    const waiting = [...accounts.entries()]
    const opening = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await followers.#follow(...next)
    }
    await Promise.all(Array.from({ length: OPENED_AT_ONCE }, opening))
    return followers
  }

  /** What they have heard of, once what they were told of is fetched. */
  async heard(): Promise<ReadonlySet<string>> {
    await Promise.all(this.#fetches)
    return this.#mailboxes.heard
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.terminate()
    this.#pool[Symbol.dispose]()
  }

  async #follow(client: number, account: Account): Promise<void> {
    const { host, port } = this.#target
    const socket = new WebSocket(`wss://${host}:${port}/monitor/v1`, {
      rejectUnauthorized: false,
      perMessageDeflate: false,
      localAddress: clientAddress(client),
    })
    this.#sockets.push(socket)
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('A WebSocket was closed')))
      socket.on('open', () => socket.send(JSON.stringify(monitorParams(account, NAMESPACES, Date.now()))))
      socket.on('message', (data) => {
        const frame = JSON.parse(data.toString())
        if (frame.success === 1) resolve()
        else if (frame.h !== undefined) this.#fetches.push(this.#fetch(account, frame.n))
        else reject(new Error(`A subscription was refused: ${frame.error}`))
      })
    })
  }

  async #fetch(account: Account, namespace: number): Promise<void> {
    const answer = await this.#pool.ask(encodeEnvelope(this.#mailboxes.retrieve(account, namespace)))
    this.#mailboxes.take(account, JSON.parse(answer.toString()).messages)
  }
}

/**
 * Clients that ask from time to time for all of their namespaces in one batch. They share connections that are kept: the best case
 * for who asks, since Session's clients open one each time, or ask through hops.
 */
export class PollingFollowers implements Disposable {
  readonly #pool: ConnectionPool
  readonly #accounts: readonly Account[]
  readonly #mailboxes = new Mailboxes()

  constructor(target: Target, accounts: readonly Account[]) {
    this.#pool = new ConnectionPool(target, POLLING_CONNECTIONS)
    this.#accounts = accounts
  }

  /** Each of them asks every `everyMs`, spread evenly. */
  run(everyMs: number, spanMs: number): Promise<void> {
    const { length } = this.#accounts
    return paced(everyMs / length, spanMs, async (turn) => {
      const account = this.#accounts[turn % length]
      if (account !== undefined) await this.#poll(account)
    })
  }

  heard(): ReadonlySet<string> {
    return this.#mailboxes.heard
  }

  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]()
  }

  async #poll(account: Account): Promise<void> {
    const requests = NAMESPACES.map((namespace) => ({ ...this.#mailboxes.retrieve(account, namespace) }))
    const answer = await this.#pool.ask(encodeEnvelope({ method: 'batch', params: { requests } }))
    const { results } = JSON.parse(answer.toString())
    for (const { code, body } of results) {
      if (code !== 200) throw new Error(`A poll was answered ${code}: ${body}`)
    }
    this.#mailboxes.take(account, results[0].body.messages)
  }
}
