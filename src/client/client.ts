import type { DurationMs, TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ActiveNode } from '../protocol/client-api/active-nodes-bin.ts'
import type { Envelope } from '../protocol/client-api/envelope.ts'
import type { ExpireMode, MessageExpiry } from '../protocol/client-api/expire.ts'
import type { JsonObject, JsonValue } from '../protocol/json.ts'
import type { MessageHash } from '../protocol/message.ts'
import { DEFAULT_NAMESPACE, type Namespace } from '../protocol/namespace.ts'
import type { V4Reply, V4Request } from '../protocol/onion/v4-payload.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { Account } from './account.ts'
import { AccountInboxes } from './account-inboxes.ts'
import { AccountMessages } from './account-messages.ts'
import { type BatchResult, type NodeInfo, readActiveNodes, readInfo, readServiceNodes } from './answers.ts'
import { type CallOptions, CallRunner } from './call-runner.ts'
import type { DeleteOptions, DeleteReceipt } from './calls/delete.ts'
import type { ExpireAllReceipt, ExpireReceipt } from './calls/expire.ts'
import { rawBatchCall, rawCall } from './calls/raw.ts'
import { type MemberPage, publicRetrieveCall, type RetrieveQuery } from './calls/retrieve.ts'
import { type StoreInput, type StoreReceipt, storeCall } from './calls/store.ts'
import { sealEnvelope } from './envelope.ts'
import { ClientError } from './errors.ts'
import type { Followed, FollowOptions } from './follow/follow.ts'
import { followMessages } from './follow/follow-messages.ts'
import { createNetwork, type Network } from './network.ts'
import { type ClientOptions, defaultClientOptions } from './options.ts'
import { NODE_FIELDS, type ReachableNode } from './reachable-node.ts'
import { openReceived, type Received } from './received.ts'
import { Revocations } from './revocations.ts'
import type { OutsideServer, ServerRequest } from './server-requester.ts'
import type { Owner, Signer } from './signer.ts'
import type { SwarmCall } from './swarm-call.ts'

/**
 * A client of the network. Every request but the first one, to a seed, goes through three hops; nothing is sent before
 * the first call. Every method throws ClientError.
 */
export class StarlingClient implements AsyncDisposable {
  readonly #network: Network
  readonly #runner: CallRunner
  readonly #account: Account | undefined
  #inboxes: AccountInboxes | undefined
  readonly #ttlMs: DurationMs

  constructor(network: Network, { account, ttlMs, deadlineMs }: ClientOptions) {
    this.#network = network
    this.#runner = new CallRunner(network, deadlineMs ?? defaultClientOptions.deadlineMs)
    this.#account = account
    this.#ttlMs = ttlMs ?? defaultClientOptions.ttlMs
  }

  /** Seals a message to another account and stores it in that account's swarm. */
  async sendMessage(
    to: AccountId,
    text: string,
    options: CallOptions & { readonly ttlMs?: DurationMs } = {},
  ): Promise<StoreReceipt> {
    return this.store({ account: to, data: this.sealMessage(to, text), ttlMs: options.ttlMs ?? this.#ttlMs }, options)
  }

  /** What sendMessage stores. Who keeps it and stores it again after a failure sends one message, not two. */
  sealMessage(to: AccountId, text: string): Uint8Array {
    return sealEnvelope({ text, sentMs: this.nowMs() }, this.#signer(), to)
  }

  /** Messages to this client's account that no earlier call has returned. */
  async receiveMessages(options: CallOptions & { readonly namespace?: Namespace } = {}): Promise<Received> {
    return this.#receive(options.namespace ?? DEFAULT_NAMESPACE, undefined, options)
  }

  /**
   * The same as they come, until `options.signal` aborts: a node tells of them, or is asked from time to time where none does. The
   * first question must succeed; after that, failures that may pass are told to `options.onTrouble`.
   */
  follow(options: FollowOptions = {}): AsyncGenerator<Followed, never> {
    const receive = async (namespace: Namespace, member: ServiceNodeKey | undefined, signal: AbortSignal) => {
      const received = await this.#receive(namespace, member, { signal })
      return received.messages.length + received.unreadable > 0 ? { ...received, namespace } : undefined
    }
    const { closing } = this.#runner
    const parts = { ...this.#network, closing, receive, inboxes: this.#ownInboxes(), signer: this.#signer() }
    return followMessages(parts, { namespaces: [DEFAULT_NAMESPACE], ...options })
  }

  async #receive(namespace: Namespace, first: ServiceNodeKey | undefined, options: CallOptions): Promise<Received> {
    return openReceived(await this.#ownInboxes().receive(namespace, first, options), this.#signer())
  }

  #ownInboxes(): AccountInboxes {
    this.#inboxes ??= new AccountInboxes({ network: this.#network, runner: this.#runner }, this.#signer())
    return this.#inboxes
  }

  /** The messages of an account of which this is the owner, or for which it has a pass. */
  messagesOf(signer: Signer): AccountMessages {
    return new AccountMessages({ network: this.#network, runner: this.#runner }, signer, this.#ttlMs)
  }

  /** Passes to an account that nodes no longer take. */
  revocationsOf(owner: Owner): Revocations {
    return new Revocations(this.#runner, owner)
  }

  /** Stores bytes as they are, for any account. The receipt counts the members that signed for it. */
  store(message: StoreInput, options: CallOptions = {}): Promise<StoreReceipt> {
    return this.ask(storeCall({ ttlMs: this.#ttlMs, ...message }, this.#account), options)
  }

  /** One page of this client's own messages. */
  async retrieve(query: RetrieveQuery = {}, options: CallOptions = {}): Promise<MemberPage> {
    return this.#own().retrieve(query, options)
  }

  /** One page of a public outbox of any account. Nothing says who asks. */
  retrievePublic(account: AccountId, query: RetrieveQuery, options: CallOptions = {}): Promise<MemberPage> {
    return this.ask(publicRetrieveCall(account, query), options)
  }

  /** Deletes messages of this client's account. */
  async delete(hashes: readonly MessageHash[], options: CallOptions & DeleteOptions = {}): Promise<DeleteReceipt> {
    return this.#own().delete(hashes, options)
  }

  /** Deletes all messages of this client's account, or those of one namespace. */
  async deleteAll(namespace: Namespace | 'all', options: CallOptions = {}): Promise<DeleteReceipt> {
    return this.#own().deleteAll(namespace, options)
  }

  /** Deletes messages of this client's account whose timestamp is `beforeMs` or earlier. */
  async deleteBefore(
    namespace: Namespace | 'all',
    beforeMs: TimestampMs,
    options: CallOptions = {},
  ): Promise<DeleteReceipt> {
    return this.#own().deleteBefore(namespace, beforeMs, options)
  }

  /** Moves the expiry of messages of this client's account; `extend` and `shorten` move it one way only. */
  async expire(
    hashes: readonly MessageHash[],
    expiryMs: TimestampMs | readonly TimestampMs[],
    options: CallOptions & { readonly mode?: ExpireMode } = {},
  ): Promise<ExpireReceipt> {
    return this.#own().expire(hashes, expiryMs, options)
  }

  /** Lets no message of this client's account live longer than to `expiryMs`. */
  async expireAll(
    namespace: Namespace | 'all',
    expiryMs: TimestampMs,
    options: CallOptions = {},
  ): Promise<ExpireAllReceipt> {
    return this.#own().expireAll(namespace, expiryMs, options)
  }

  /** When messages of this client's account end, by one member's word. */
  async getExpiries(hashes: readonly MessageHash[], options: CallOptions = {}): Promise<readonly MessageExpiry[]> {
    return this.#own().getExpiries(hashes, options)
  }

  /** The nodes that keep an account's messages. */
  getSwarm(account: AccountId, options: CallOptions = {}): Promise<readonly ReachableNode[]> {
    return this.#runner.run(options, (signal) => this.#network.swarms.membersOf(account, signal))
  }

  /** What a node chosen at random says of itself. */
  info(options: CallOptions = {}): Promise<NodeInfo> {
    return this.#runner.askAnyNode({ method: 'info', params: {} }, readInfo, options)
  }

  /** The service nodes, by the word of one that is chosen at random. The client's own list is agreed on by several. */
  serviceNodes(options: CallOptions = {}): Promise<readonly ReachableNode[]> {
    const params = { endpoint: 'get_service_nodes', params: { active_only: true, fields: NODE_FIELDS } }
    return this.#runner.askAnyNode({ method: 'oxend_request', params }, readServiceNodes, options)
  }

  /** The same in short, with ports and versions. */
  activeNodes(options: CallOptions = {}): Promise<readonly ActiveNode[]> {
    return this.#runner.askAnyNode({ method: 'active_nodes_bin', params: {} }, readActiveNodes, options)
  }

  /** Any call: those of `calls/`, and batches and conditions made of them. */
  ask<T>(call: SwarmCall<T>, options: CallOptions = {}): Promise<T> {
    return this.#runner.ask(call, options)
  }

  /** Any method, of a member of `account`'s swarm, or of any node when no account is given. */
  request(
    method: string,
    params: JsonObject,
    options: CallOptions & { readonly account?: AccountId } = {},
  ): Promise<JsonValue> {
    const { account } = options
    if (account === undefined) return this.#runner.askAnyNode({ method, params }, (body) => body, options)
    return this.ask(rawCall(account, { method, params }), options)
  }

  /** Several requests to one member of `account`'s swarm, done together. */
  batch(account: AccountId, requests: readonly Envelope[], options: CallOptions = {}): Promise<readonly BatchResult[]> {
    return this.ask(rawBatchCall('batch', account, requests), options)
  }

  /** As `batch`, one after another, up to the first that fails. */
  sequence(
    account: AccountId,
    requests: readonly Envelope[],
    options: CallOptions = {},
  ): Promise<readonly BatchResult[]> {
    return this.ask(rawBatchCall('sequence', account, requests), options)
  }

  /** Sends bytes to a server outside the network, through an onion, and returns the bytes that it answers. */
  requestServer(request: ServerRequest, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#runner.run(options, (signal) => this.#network.servers.ask(request, signal))
  }

  /** As requestServer, with a request and a reply in the form of HTTP. */
  fetchFromServer(server: OutsideServer, request: V4Request, options: CallOptions = {}): Promise<V4Reply> {
    return this.#runner.run(options, (signal) => this.#network.servers.fetch(server, request, signal))
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
    this.#runner.close()
    await this.#network[Symbol.asyncDispose]()
  }

  #own(): AccountMessages {
    return this.messagesOf(this.#signer())
  }

  #signer(): Account {
    if (this.#account === undefined) {
      throw new ClientError('ACCOUNT_MISSING', 'This client was made without an account, which the request needs')
    }
    return this.#account
  }
}

/** A client that has not yet sent anything. Dispose of it when done: `await using client = createClient(…)`. */
export function createClient(options: ClientOptions): StarlingClient {
  return new StarlingClient(createNetwork(options), options)
}
