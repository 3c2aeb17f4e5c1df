import { HOUR, MINUTE, type TimestampMs } from '../base/clock.ts'
import { ACCOUNT_ID_SIZE, type AccountId, accountIdBytes, accountIdFromBytes } from '../protocol/account.ts'
import { CONTENTS_ID_SIZE, type ContentsCursor, type HeldItem, type HeldMessage } from '../protocol/contents.ts'
import { messageIdOf } from '../protocol/contents-entry.ts'
import { stampMs } from '../protocol/operation-stamp.ts'
import { PROOF_DATA_MAX_BYTES, type StorageChallenge } from '../protocol/peer-api/probe.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'

/** What is held of a range of accounts, in the order of keys. */
export interface HeldContents {
  page(query: {
    readonly arc: SwarmArc
    readonly first: number
    readonly last: number
    readonly after: ContentsCursor | undefined
    readonly sizeMax: number
  }): Promise<{ readonly items: HeldItem[]; readonly next: ContentsCursor | undefined }>
}

/** A challenge, and the messages that whoever holds them can answer it with. */
export interface HeldChallenge {
  readonly challenge: StorageChallenge
  readonly messages: readonly HeldMessage['message'][]
}

/** What is newer may be under way to one of the two; the same goes for what ends soon. */
const SETTLED_MS = 10 * MINUTE
/** Of a challenge whose moment is so far from ours, one would not know what the other holds. */
const MOMENT_TOLERANCE_MS = HOUR
/** Pages that a challenge is made of: where little of them counts, it is over less. */
const CHOOSING_PAGES_MAX = 8
/** Who answers may hold much else in the same range, of accounts that it is handing over. */
const ANSWERING_PAGES_MAX = 64
/** Whose key begins with a random byte: most accounts are such. */
const SESSION_PREFIX = 0x05
const ALL_KEYS = { first: 0x00, last: 0xff }

/**
 * Chooses a random place among what is held here, and the messages behind it. Undefined when there are none that both must have.
 */
export async function chooseChallenge(
  contents: HeldContents,
  choice: {
    readonly arc: SwarmArc
    readonly atMs: TimestampMs
    readonly nonce: Uint8Array
    readonly start: Uint8Array
  },
): Promise<HeldChallenge | undefined> {
  const { arc, atMs, nonce, start } = choice
  // Behind the last account there is nothing: then the range begins with the first one.
  for (const account of [accountFrom(SESSION_PREFIX, start), accountFrom(0, new Uint8Array())]) {
    const after = { account, kind: 'message' as const, id: new Uint8Array(CONTENTS_ID_SIZE) }
    const messages = (await settledMessages(contents, { arc, atMs, after }, CHOOSING_PAGES_MAX)).messages
    const last = messages.at(-1)
    if (last === undefined) continue
    const through = { account: last.account, kind: 'message' as const, id: messageIdOf(last.hash) }
    return { challenge: { nonce, arc, atMs, after, through }, messages }
  }
  return undefined
}

/** What is held of a challenge's range, or undefined where it would take too long to look through it. */
export async function challengedMessages(
  contents: HeldContents,
  challenge: StorageChallenge,
): Promise<readonly HeldMessage['message'][] | undefined> {
  const { messages, isWhole } = await settledMessages(contents, challenge, ANSWERING_PAGES_MAX)
  return isWhole ? messages : undefined
}

/** Whether a challenge is about what this node should hold, at a moment that it can judge. */
export function isOwnChallenge(
  { arc, atMs }: StorageChallenge,
  own: { readonly arc: SwarmArc | undefined; readonly nowMs: TimestampMs },
): boolean {
  const isSameArc = own.arc?.first === arc.first && own.arc.last === arc.last
  return isSameArc && Math.abs(atMs - own.nowMs) <= MOMENT_TOLERANCE_MS
}

async function settledMessages(
  contents: HeldContents,
  range: Pick<StorageChallenge, 'arc' | 'atMs' | 'after'> & { readonly through?: ContentsCursor },
  pagesMax: number,
): Promise<{ readonly messages: readonly HeldMessage['message'][]; readonly isWhole: boolean }> {
  const { arc, atMs, through } = range
  const messages: HeldMessage['message'][] = []
  let size = 0
  let after: ContentsCursor | undefined = range.after
  for (let pages = 0; pages < pagesMax && after !== undefined; pages++) {
    const page = await contents.page({ arc, ...ALL_KEYS, after, sizeMax: PROOF_DATA_MAX_BYTES })
    for (const item of page.items) {
      if (item.kind !== 'message') continue
      if (through !== undefined && isBehind(item, through)) return { messages, isWhole: true }
      if (!isSettled(item, atMs)) continue
      size += item.message.data.length
      if (size > PROOF_DATA_MAX_BYTES && messages.length > 0) return { messages, isWhole: true }
      messages.push(item.message)
    }
    after = page.next
  }
  return { messages, isWhole: after === undefined }
}

/** Whether every member has had the time to learn of what this message is now. */
function isSettled({ stamp, changedStamp, livesUntilMs }: HeldMessage, atMs: TimestampMs): boolean {
  const changedMs = stampMs(Math.max(stamp, changedStamp))
  return changedMs <= atMs - SETTLED_MS && livesUntilMs >= atMs + SETTLED_MS
}

function isBehind({ message }: HeldMessage, through: ContentsCursor): boolean {
  const byAccount = Buffer.compare(accountIdBytes(message.account), accountIdBytes(through.account))
  return byAccount > 0 || (byAccount === 0 && Buffer.compare(messageIdOf(message.hash), through.id) > 0)
}

function accountFrom(prefix: number, key: Uint8Array): AccountId {
  const bytes = new Uint8Array(ACCOUNT_ID_SIZE)
  bytes[0] = prefix
  bytes.set(key.subarray(0, ACCOUNT_ID_SIZE - 1), 1)
  return accountIdFromBytes(bytes) ?? ('00'.repeat(ACCOUNT_ID_SIZE) as AccountId)
}
