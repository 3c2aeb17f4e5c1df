import { MINUTE, type TimestampMs } from '../base/clock.ts'
import { TTL_MAX_MS } from '../protocol/limits.ts'
import type { MessageHash, StoredMessage } from '../protocol/message.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { MemberPage } from './calls/retrieve.ts'

/**
 * What the inbox needs of the client: a page from the member `first`, or any if there is none or it fails, after the
 * message that `afterOf` says for it.
 */
export type RetrievePage = (
  afterOf: (member: ServiceNodeKey) => MessageHash | undefined,
  first: ServiceNodeKey | undefined,
) => Promise<MemberPage>

/** Pages in one call: the largest answers a hundred times over. What is left comes with the next call. */
const PAGES_MAX = 100
/** Bytes of messages in one call, about: a member could go on making up messages until the memory is full. */
const BYTES_MAX = 64 * 1024 * 1024
/** What a message takes besides its data. */
const ENTRY_BYTES = 500
/** Hashes that are remembered. Beyond, the oldest are forgotten, and such a message would be returned again. */
const SEEN_MAX = 100_000
/**
 * How long a hash is remembered: as long as any message lives, and a little longer, since clocks differ. When this one ends is a
 * member's word, and another than the truth would have the message returned again.
 */
const SEEN_FOR_MS = TTL_MAX_MS + 10 * MINUTE

/**
 * One namespace of an account. Returns each message once, whichever members are asked. A member's order is its own, so where the last retrieve ended
 * is remembered for each. Reading and taking are apart, since a call may be given up between two pages: what was read by then
 * waits for the next.
 */
export class Inbox {
  readonly #cursors = new Map<ServiceNodeKey, MessageHash>()
  /** Until when each is remembered, in order of arrival. */
  readonly #seen = new Map<MessageHash, TimestampMs>()
  /** Read, and not taken yet. */
  #waiting: StoredMessage[] = []
  #waitingBytes = 0

  /** The last message that is known from a member. */
  lastHashOf(member: ServiceNodeKey): MessageHash | undefined {
    return this.#cursors.get(member)
  }

  /** Reads what has arrived since the last call, or all that there is at the first. Begins with the member `first`, if that is given. */
  async read(retrieve: RetrievePage, nowMs: TimestampMs, first?: ServiceNodeKey): Promise<void> {
    this.#forgetExpired(nowMs)
    let member = first
    for (let pages = 0; pages < PAGES_MAX && this.#waitingBytes < BYTES_MAX; pages++) {
      const page = await this.#nextPage(retrieve, member)
      if (page === undefined) return
      member = page.member
      for (const message of page.messages) this.#add(message, nowMs)
      const moved = page.lastHash !== undefined && page.lastHash !== this.#cursors.get(member)
      if (page.lastHash !== undefined) this.#cursors.set(member, page.lastHash)
      // A member that claims to have more, but gives the same page again, is not asked for ever.
      if (!page.more || !moved) return
    }
  }

  /** All that was read and not taken before. */
  take(): readonly StoredMessage[] {
    const stored = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    return stored
  }

  /** A failure must not keep back what was read before it. */
  async #nextPage(retrieve: RetrievePage, member: ServiceNodeKey | undefined): Promise<MemberPage | undefined> {
    try {
      return await retrieve((key) => this.#cursors.get(key), member)
    } catch (error) {
      if (this.#waiting.length > 0) return undefined
      throw error
    }
  }

  #add(message: StoredMessage, nowMs: TimestampMs): void {
    if (!this.#isNew(message.hash, nowMs)) return
    this.#waiting.push(message)
    this.#waitingBytes += message.data.length + ENTRY_BYTES
  }

  #isNew(hash: MessageHash, nowMs: TimestampMs): boolean {
    if (this.#seen.has(hash)) return false
    this.#seen.set(hash, nowMs + SEEN_FOR_MS)
    const oldest = this.#seen.keys().next()
    if (this.#seen.size > SEEN_MAX && !oldest.done) this.#seen.delete(oldest.value)
    return true
  }

  #forgetExpired(nowMs: TimestampMs): void {
    for (const [hash, untilMs] of this.#seen) {
      if (untilMs < nowMs) this.#seen.delete(hash)
    }
  }
}
