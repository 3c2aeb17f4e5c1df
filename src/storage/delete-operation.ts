import type { AccountId } from '../protocol/account.ts'
import { compareHashes, type MessageHash } from '../protocol/message.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import type { Circumstances } from './circumstances.ts'
import type { Writer } from './group-commit.ts'
import { accountBytes, hashBytes, hashFromBytes } from './keys.ts'
import { isLive } from './message-records.ts'
import { stamped } from './operation.ts'
import { settle } from './settlement.ts'

/** Removes messages by hash, those too that are still to arrive with a smaller stamp. Returns those that were held, sorted. */
export async function deleteMessages(
  writer: Writer,
  account: AccountId,
  hashes: readonly MessageHash[],
  stamp: OperationStamp,
  circumstances: Circumstances,
): Promise<MessageHash[]> {
  const deleted = new Set<MessageHash>()
  const accountInKeys = accountBytes(account)
  const operation = stamped(stamp, { kind: 'delete' })
  for (const hash of new Set(hashes)) {
    await writer.makeRoom()
    const id = { account: accountInKeys, hash: hashBytes(hash) }
    const { changes } = settle(writer.batch, id, { operation }, circumstances)
    for (const { id: each, before, after } of changes) {
      if (before === undefined || !isLive(before, circumstances.nowMs)) continue
      if (after === undefined || !isLive(after, circumstances.nowMs)) deleted.add(hashFromBytes(each.hash))
    }
  }
  return [...deleted].sort(compareHashes)
}
