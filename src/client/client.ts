import type { DurationMs, TimestampMs } from '../base/clock.ts'
import { withDeadline } from '../base/deadline.ts'
import type { AccountId } from '../protocol/account.ts'
import type { Envelope } from '../protocol/client-api/envelope.ts'
import type { ExpireMode, MessageExpiry } from '../protocol/client-api/expire.ts'
import type { JsonObject, JsonValue } from '../protocol/json.ts'
import { STORE_CLOCK_TOLERANCE_MS, TTL_MAX_MS } from '../protocol/limits.ts'
import { hashMessage, type MessageHash } from '../protocol/message.ts'
import { DEFAULT_NAMESPACE, type Namespace } from '../protocol/namespace.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { Account } from './account.ts'
import { type BatchResult, type NodeInfo, objectOf, readBatchResults, readInfo } from './answers.ts'
import { sealEnvelope } from './envelope.ts'
import { ClientError } from './errors.ts'
import { Inbox, type MemberPage, type Received } from './inbox.ts'
import { createNetwork, type Network } from './network.ts'
import { type ClientOptions, defaultClientOptions } from './options.ts'
import { sample } from './random.ts'
import type { ReachableNode } from './reachable-node.ts'
import { readRetrievedPage } from './retrieved-page.ts'
import {
  deleteAllRequest,
  deleteRequest,
  expireRequest,
  getExpiriesRequest,
  retrieveRequest,
  storeRequest,
} from './signed-params.ts'
import type { SwarmRequest } from './swarm-requester.ts'
import {
  type DeleteReceipt,
  type ExpireReceipt,
  expiriesIn,
  readDeleteAllResults,
  readDeleteResults,
  readExpireResults,
  readStoreResults,
  type StoreReceipt,
} from './swarm-results.ts'

export interface CallOptions {
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined
}

export interface StoreInput {
  /** Whose swarm keeps it. */
  readonly account: AccountId
  readonly data: Uint8Array
  /** 0, where direct messages arrive, unless given. */
  readonly namespace?: Namespace
  readonly ttlMs?: DurationMs
}

export interface RetrieveQuery {
  readonly namespace?: Namespace
  /** Messages after this one, which must be the `lastHash` of a page of the same member. */
  readonly afterHash?: MessageHash
  readonly countMax?: number
  /** Bytes, or -k for a share of 1/k of the largest answer. */
  readonly sizeMax?: number
  /** The member to ask first, such as the one of the page before. */
  readonly member?: ServiceNodeKey
}

/** Nodes that are asked, one after another, when any will do. */
const ANY_NODE_ATTEMPTS = 3

/**
 * A client of the network. Every request but the first one, to a seed, goes through three hops; nothing is sent before
 * the first call. Every method throws ClientError.
 */
export class StarlingClient implements AsyncDisposable {
  readonly #network: Network
  readonly #account: Account | undefined
  readonly #inboxes = new Map<Namespace, Inbox>()
  readonly #ttlMs: DurationMs
  readonly #deadlineMs: DurationMs
  readonly #stop = new AbortController()

  constructor(network: Network, { account, ttlMs, deadlineMs }: ClientOptions) {
    this.#network = network
    this.#account = account
    this.#ttlMs = ttlMs ?? defaultClientOptions.ttlMs
    this.#deadlineMs = deadlineMs ?? defaultClientOptions.deadlineMs
  }

  /** Seals a message to another account and stores it in that account's swarm. */
  async sendMessage(
    to: AccountId,
    text: string,
    options: CallOptions & { readonly ttlMs?: DurationMs } = {},
  ): Promise<StoreReceipt> {
    const data = sealEnvelope({ text, sentMs: this.#network.clock.nowMs() }, this.#signer(), to)
    return this.store({ account: to, data, ttlMs: options.ttlMs ?? this.#ttlMs }, options)
  }

  /** Messages to this client's account that no earlier call has returned. */
  async receiveMessages(options: CallOptions & { readonly namespace?: Namespace } = {}): Promise<Received> {
    const { namespace = DEFAULT_NAMESPACE } = options
    const signer = this.#signer()
    const inbox = this.#inboxes.get(namespace) ?? new Inbox(signer)
    this.#inboxes.set(namespace, inbox)
    return this.#run(options, (signal) =>
      inbox.receive(
        (afterOf, first) => this.#retrievePage(signer, { namespace, first, afterOf }, signal),
        this.#network.clock.nowMs(),
      ),
    )
  }

  /** Stores bytes as they are. The receipt counts the members that signed for it. */
  store(message: StoreInput, options: CallOptions = {}): Promise<StoreReceipt> {
    const { account, data, namespace = DEFAULT_NAMESPACE, ttlMs = this.#ttlMs } = message
    const hash = hashMessage(account, namespace, data)
    let stored = { expiryMs: 0, latestMs: 0 }
    return this.#askSwarm(account, options, {
      build: (nowMs) => {
        stored = { expiryMs: nowMs + ttlMs, latestMs: nowMs + TTL_MAX_MS + STORE_CLOCK_TOLERANCE_MS }
        return storeRequest({ account, namespace, data, timestampMs: nowMs, ttlMs }, this.#account)
      },
      read: (body, swarm) => readStoreResults(objectOf(body), swarm, hash, stored),
    })
  }

  /** One page of this client's own messages. */
  async retrieve(query: RetrieveQuery = {}, options: CallOptions = {}): Promise<MemberPage> {
    const { namespace = DEFAULT_NAMESPACE, afterHash, member, countMax, sizeMax } = query
    const page = { namespace, first: member, afterOf: () => afterHash, countMax, sizeMax }
    const signer = this.#signer()
    return this.#run(options, (signal) => this.#retrievePage(signer, page, signal))
  }

  /** Deletes messages of this client's account. */
  async delete(hashes: readonly MessageHash[], options: CallOptions = {}): Promise<DeleteReceipt> {
    const signer = this.#signer()
    return this.#askSwarm(signer.id, options, {
      build: () => deleteRequest(hashes, signer),
      read: (body, swarm) => readDeleteResults(objectOf(body), swarm, signer.id, hashes),
    })
  }

  /** Deletes all messages of this client's account, or those of one namespace. */
  async deleteAll(namespace: Namespace | 'all', options: CallOptions = {}): Promise<DeleteReceipt> {
    const signer = this.#signer()
    let timestampMs: TimestampMs = 0
    return this.#askSwarm(signer.id, options, {
      build: (nowMs) => {
        timestampMs = nowMs
        return deleteAllRequest(namespace, nowMs, signer)
      },
      read: (body, swarm) => readDeleteAllResults(objectOf(body), swarm, signer.id, timestampMs),
    })
  }

  /** Moves the expiry of messages of this client's account; `extend` and `shorten` move it one way only. */
  async expire(
    hashes: readonly MessageHash[],
    expiryMs: TimestampMs,
    options: CallOptions & { readonly mode?: ExpireMode } = {},
  ): Promise<ExpireReceipt> {
    const signer = this.#signer()
    return this.#askSwarm(signer.id, options, {
      build: () => expireRequest(hashes, expiryMs, options.mode ?? 'set', signer),
      read: (body, swarm) => readExpireResults(objectOf(body), swarm, signer.id, hashes),
    })
  }

  /** When messages of this client's account end, by one member's word. */
  async getExpiries(hashes: readonly MessageHash[], options: CallOptions = {}): Promise<readonly MessageExpiry[]> {
    const signer = this.#signer()
    return this.#askSwarm(signer.id, options, {
      build: (nowMs) => getExpiriesRequest(hashes, nowMs, signer),
      read: (body) => {
        const expiries = expiriesIn(objectOf(body)['expiries'] ?? null)
        if (expiries === undefined) throw new ClientError('ANSWER_INVALID', "The node's answer has no expiries")
        return expiries
      },
    })
  }

  /** The nodes that keep an account's messages. */
  getSwarm(account: AccountId, options: CallOptions = {}): Promise<readonly ReachableNode[]> {
    return this.#run(options, (signal) => this.#network.swarms.membersOf(account, signal))
  }

  /** What a node chosen at random says of itself. */
  async info(options: CallOptions = {}): Promise<NodeInfo> {
    return readInfo(await this.request('info', {}, options))
  }

  /** Any method, of a member of `account`'s swarm, or of any node when no account is given. */
  request(
    method: string,
    params: JsonObject,
    options: CallOptions & { readonly account?: AccountId } = {},
  ): Promise<JsonValue> {
    const { account } = options
    if (account === undefined) return this.#run(options, (signal) => this.#askAnyNode({ method, params }, signal))
    return this.#askSwarm(account, options, { build: () => ({ method, params }), read: (body) => body })
  }

  /** Several requests to one member of `account`'s swarm, done together. */
  batch(account: AccountId, requests: readonly Envelope[], options: CallOptions = {}): Promise<readonly BatchResult[]> {
    return this.#askForResults('batch', account, requests, options)
  }

  /** As `batch`, one after another, up to the first that fails. */
  sequence(
    account: AccountId,
    requests: readonly Envelope[],
    options: CallOptions = {},
  ): Promise<readonly BatchResult[]> {
    return this.#askForResults('sequence', account, requests, options)
  }

  /** The guards in use, for the option `guards` of a later client. */
  guards(): readonly ServiceNodeKey[] {
    return this.#network.pool.guards()
  }

  /** The network's time, for signing parts of a batch. */
  nowMs(): TimestampMs {
    return this.#network.clock.nowMs()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new ClientError('CLOSED', 'The client is disposed of'))
    await this.#network[Symbol.asyncDispose]()
  }

  #signer(): Account {
    if (this.#account === undefined) {
      throw new ClientError('ACCOUNT_MISSING', 'This client was made without an account, which the request needs')
    }
    return this.#account
  }

  #askForResults(
    method: 'batch' | 'sequence',
    account: AccountId,
    requests: readonly Envelope[],
    options: CallOptions,
  ): Promise<readonly BatchResult[]> {
    const params = { requests: requests.map(({ method, params }) => ({ method, params })) }
    return this.#askSwarm(account, options, { build: () => ({ method, params }), read: readBatchResults })
  }

  /** `read` is given the swarm as it is known when the answer comes, since an answer may have corrected it. */
  #askSwarm<T>(
    account: AccountId,
    options: CallOptions,
    request: {
      build: SwarmRequest<T>['build']
      read: (body: JsonValue, swarm: readonly ReachableNode[]) => T
    },
  ): Promise<T> {
    const { requester, swarms } = this.#network
    return this.#run(options, (signal) =>
      requester.ask(
        account,
        { build: request.build, read: (body) => request.read(body, swarms.remembered(account)) },
        signal,
      ),
    )
  }

  #retrievePage(
    signer: Account,
    query: {
      readonly namespace: Namespace
      readonly first: ServiceNodeKey | undefined
      readonly afterOf: (member: ServiceNodeKey) => MessageHash | undefined
      readonly countMax?: number | undefined
      readonly sizeMax?: number | undefined
    },
    signal: AbortSignal,
  ): Promise<MemberPage> {
    const { namespace, first, afterOf, countMax, sizeMax } = query
    const { requester, pool } = this.#network
    return requester.ask(
      signer.id,
      {
        first,
        build: (timestampMs, member) =>
          retrieveRequest({ namespace, countMax, sizeMax, timestampMs, afterHash: afterOf(member.key) }, signer),
        read: (body, member) => {
          const page = readRetrievedPage(body, signer.id, namespace)
          if (page.forged > 0) pool.strikeNode(member.key)
          return { ...page, member: member.key }
        },
      },
      signal,
    )
  }

  async #askAnyNode(request: Envelope, signal: AbortSignal): Promise<JsonValue> {
    const { pool, onion, random } = this.#network
    for (const node of sample(pool.usable(), ANY_NODE_ATTEMPTS, random)) {
      const answer = await onion.ask(node, request, signal).catch(ignoreUnreachable)
      if (answer === undefined) continue
      if (answer.status === 200) return answer.body
      if (answer.status < 500 && answer.status !== 429) {
        const details = { status: answer.status }
        throw new ClientError('REQUEST_REFUSED', 'The node refused the request', { details })
      }
      pool.strikeNode(node.key)
    }
    throw new ClientError('PATHS_FAILED', 'No node that was tried could answer; try again in a minute', {
      details: { tried: ANY_NODE_ATTEMPTS },
    })
  }

  /** Runs a call with its deadline, once there is a list of service nodes. */
  async #run<T>(options: CallOptions, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stops = options.signal === undefined ? [this.#stop.signal] : [this.#stop.signal, options.signal]
    const given = AbortSignal.any(stops)
    const signal = withDeadline(this.#deadlineMs, given)
    signal.throwIfAborted()
    try {
      await this.#network.nodes.ready(signal)
      return await call(signal)
    } catch (error) {
      given.throwIfAborted()
      if (!signal.aborted || error instanceof ClientError) throw error
      const details = { deadlineMs: this.#deadlineMs }
      throw new ClientError('TRANSPORT_TIMEOUT', 'The request was not answered in time', { details, cause: error })
    }
  }
}

function ignoreUnreachable(error: unknown): undefined {
  if (!(error instanceof ClientError) || error.code !== 'DESTINATION_UNREACHABLE') throw error
}

/** A client that has not yet sent anything. Dispose of it when done: `await using client = createClient(…)`. */
export function createClient(options: ClientOptions): StarlingClient {
  return new StarlingClient(createNetwork(options), options)
}
