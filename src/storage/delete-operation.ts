import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { compareHashes, type MessageHash } from '../protocol/message.ts'
import type { Writer } from './group-commit.ts'
import { accountBytes, hashBytes } from './keys.ts'
import { findMessage, isLive, removeMessage } from './message-records.ts'

/** Removes messages by hash. Returns those that were held, sorted. */
export async function deleteMessages(
  writer: Writer,
  account: AccountId,
  hashes: readonly MessageHash[],
  nowMs: TimestampMs,
): Promise<MessageHash[]> {
  const deleted: MessageHash[] = []
  const accountInKeys = accountBytes(account)
  for (const hash of hashes) {
    await writer.makeRoom()
    const held = findMessage(writer.batch, { account: accountInKeys, hash: hashBytes(hash) })
    if (held === undefined) continue
    removeMessage(writer.batch, held)
    if (isLive(held.locator, nowMs)) deleted.push(hash)
  }
  return deleted.sort(compareHashes)
}
