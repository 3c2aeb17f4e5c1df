import type { DurationMs, TimestampMs } from '../base/clock.ts'
import type { ExpireMode, MessageExpiry } from '../protocol/client-api/expire.ts'
import type { MessageHash } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { AccountInboxes } from './account-inboxes.ts'
import type { CallOptions, CallRunner } from './call-runner.ts'
import { type BatchOutcomes, batchCall, sequenceCall } from './calls/batch.ts'
import { type DeleteOptions, type DeleteReceipt, deleteAllCall, deleteBeforeCall, deleteCall } from './calls/delete.ts'
import {
  type ExpireAllReceipt,
  type ExpireReceipt,
  expireAllCall,
  expireCall,
  getExpiriesCall,
} from './calls/expire.ts'
import { type MemberPage, type RetrieveQuery, retrieveCall } from './calls/retrieve.ts'
import { type StoreInput, type StoreReceipt, storeCall } from './calls/store.ts'
import type { FollowAccountOptions, FollowedMessages } from './follow/follow.ts'
import { followMessages } from './follow/follow-messages.ts'
import type { Network } from './network.ts'
import type { Signer } from './signer.ts'
import type { SwarmCall } from './swarm-call.ts'

export interface AccountMessagesComponents {
  readonly network: Network
  readonly runner: CallRunner
}

/** The messages of one account, as its owner or a member with a pass may use them. Every method throws ClientError. */
export class AccountMessages {
  readonly #network: Network
  readonly #runner: CallRunner
  readonly #signer: Signer
  readonly #ttlMs: DurationMs
  readonly #inboxes: AccountInboxes

  constructor(components: AccountMessagesComponents, signer: Signer, ttlMs: DurationMs) {
    this.#network = components.network
    this.#runner = components.runner
    this.#signer = signer
    this.#ttlMs = ttlMs
    this.#inboxes = new AccountInboxes(components, signer)
  }

  /** Stores bytes as they are. */
  store(message: Omit<StoreInput, 'account'>, options: CallOptions = {}): Promise<StoreReceipt> {
    const input = { ttlMs: this.#ttlMs, ...message, account: this.#signer.id }
    return this.#runner.ask(storeCall(input, this.#signer), options)
  }

  /** One page, by one member's word. */
  retrieve(query: RetrieveQuery = {}, options: CallOptions = {}): Promise<MemberPage> {
    return this.#runner.ask(retrieveCall(query, this.#signer), options)
  }

  /**
   * What is there, and then each message as it comes, as `client.follow` has it, but as bytes: what they contain is the application's.
   * What was returned before is not returned again, whichever namespaces are followed.
   */
  follow(options: FollowAccountOptions): AsyncGenerator<FollowedMessages, never> {
    const inboxes = this.#inboxes
    const receive = async (namespace: Namespace, member: ServiceNodeKey | undefined, signal: AbortSignal) => {
      const messages = await inboxes.receive(namespace, member, { signal })
      return messages.length > 0 ? { namespace, messages } : undefined
    }
    const parts = { ...this.#network, closing: this.#runner.closing, receive, inboxes, signer: this.#signer }
    return followMessages(parts, options)
  }

  delete(hashes: readonly MessageHash[], options: CallOptions & DeleteOptions = {}): Promise<DeleteReceipt> {
    return this.#runner.ask(deleteCall(hashes, this.#signer, options), options)
  }

  /** Deletes all messages, or those of one namespace. */
  deleteAll(namespace: Namespace | 'all', options: CallOptions = {}): Promise<DeleteReceipt> {
    return this.#runner.ask(deleteAllCall(namespace, this.#signer), options)
  }

  /** Deletes messages whose timestamp is `beforeMs` or earlier. */
  deleteBefore(namespace: Namespace | 'all', beforeMs: TimestampMs, options: CallOptions = {}): Promise<DeleteReceipt> {
    return this.#runner.ask(deleteBeforeCall(namespace, beforeMs, this.#signer), options)
  }

  /** Moves expiries to one moment, or to one for each hash; `extend` and `shorten` move them one way only. */
  expire(
    hashes: readonly MessageHash[],
    expiryMs: TimestampMs | readonly TimestampMs[],
    options: CallOptions & { readonly mode?: ExpireMode } = {},
  ): Promise<ExpireReceipt> {
    return this.#runner.ask(expireCall(hashes, expiryMs, this.#signer, options.mode), options)
  }

  /** Lets no message of a namespace, or of all, live longer than to `expiryMs`. */
  expireAll(namespace: Namespace | 'all', expiryMs: TimestampMs, options: CallOptions = {}): Promise<ExpireAllReceipt> {
    return this.#runner.ask(expireAllCall(namespace, expiryMs, this.#signer), options)
  }

  /** When messages end, by one member's word; those that it holds. */
  getExpiries(hashes: readonly MessageHash[], options: CallOptions = {}): Promise<readonly MessageExpiry[]> {
    return this.#runner.ask(getExpiriesCall(hashes, this.#signer), options)
  }

  /** Several calls on this account, asked of one member at once. */
  batch<const Calls extends readonly SwarmCall<unknown>[]>(
    calls: Calls,
    options: CallOptions = {},
  ): Promise<BatchOutcomes<Calls>> {
    return this.#runner.ask(batchCall(calls), options)
  }

  /** As batch, one after another, up to the first that fails. */
  sequence<const Calls extends readonly SwarmCall<unknown>[]>(
    calls: Calls,
    options: CallOptions = {},
  ): Promise<BatchOutcomes<Calls>> {
    return this.#runner.ask(sequenceCall(calls), options)
  }
}
