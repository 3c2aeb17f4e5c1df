import type { Database } from './database.ts'
import type { Writer } from './group-commit.ts'
import { hashOfKey, locatorRange, nameOfRequestKey, outboxRange, requestRange } from './keys.ts'
import { isHeld } from './message-codec.ts'
import { changeRecords, findLocator, usageOf, writeUsage } from './message-records.ts'
import { removeRequest } from './request-log.ts'
import { forgetRevocations } from './revocation-store.ts'

/** Records fetched at once. */
const PAGE_SIZE = 128

/** Forgets everything of an account, and counts the messages that were held. The requests go last: they prove why others went. */
export async function dropAccount(database: Database, writer: Writer, account: Buffer): Promise<number> {
  let dropped = 0
  await forEachKey(database, locatorRange(account), async (key) => {
    await writer.makeRoom()
    const id = { account, hash: Buffer.from(hashOfKey(key)) }
    const before = findLocator(writer.batch, id)
    if (before === undefined) return
    if (isHeld(before)) dropped++
    changeRecords(writer.batch, [{ id, before, after: undefined, data: undefined }])
  })
  await forEachKey(database, outboxRange(account), async (key) => {
    await writer.makeRoom()
    writer.batch.delete(key)
  })
  writeUsage(writer.batch, account, { ...usageOf(writer.batch, account), ranges: [] })
  forgetRevocations(writer.batch, account)
  await forEachKey(database, requestRange(account), async (key) => {
    await writer.makeRoom()
    removeRequest(writer.batch, account, Buffer.from(nameOfRequestKey(key)))
  })
  return dropped
}

async function forEachKey(
  database: Database,
  range: { gt?: Buffer; gte?: Buffer; lt: Buffer },
  visit: (key: Buffer) => Promise<void>,
): Promise<void> {
  await using iterator = database.keys(range)
  for (let page = await iterator.nextv(PAGE_SIZE); page.length > 0; page = await iterator.nextv(PAGE_SIZE)) {
    for (const key of page) await visit(key)
  }
}
