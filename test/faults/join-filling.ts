// Fills a message database with many messages at once, as a swarm has them that has been running for days.
import { randomBytes } from 'node:crypto'
import { DAY, HOUR, systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { createMetricsRegistry } from '../../src/base/metrics.ts'
import type { AccountId } from '../../src/protocol/account.ts'
import type { HeldMessage } from '../../src/protocol/contents.ts'
import { hashMessage } from '../../src/protocol/message.ts'
import { firstStampAt } from '../../src/protocol/operation-stamp.ts'
import { openMessageStore } from '../../src/storage/level-message-store.ts'
import { createStorageMetrics } from '../../src/storage/metrics.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'

export const MESSAGE_BYTES = 1_024
const PER_ACCOUNT = 20
const PER_BATCH = 2_000
/** Nothing of it ends while anybody looks. */
const LIFE_MIN_MS = DAY
const LIFE_MAX_MS = 13 * DAY

/** Adds messages to the database of a node that does not run. */
export async function fillDatabase(messages: number, path: string): Promise<void> {
  const options = { ...defaultStorageOptions, batchRecordsMax: 8_192, batchBytesMax: 8 * 1024 * 1024 }
  const metrics = createStorageMetrics(createMetricsRegistry())
  await using store = await openMessageStore({ log: silentLogger, clock: systemClock, metrics }, { ...options, path })
  for (let done = 0; done < messages; done += PER_BATCH) {
    const batch = someMessages(Math.min(PER_BATCH, messages - done))
    const outcomes = await store.contents.adopt(batch)
    if (outcomes.some((outcome) => outcome !== 'new')) throw new Error('A message was not taken')
  }
}

function someMessages(count: number): HeldMessage[] {
  let account = anAccount()
  return Array.from({ length: count }, (_, index) => {
    if (index % PER_ACCOUNT === 0) account = anAccount()
    return aMessage(account)
  })
}

function anAccount(): AccountId {
  return `05${randomBytes(32).toString('hex')}` as AccountId
}

function aMessage(account: AccountId): HeldMessage {
  const data = randomBytes(MESSAGE_BYTES)
  // Of all moments of the last hour, so that they do not end at the same.
  const timestampMs = systemClock.nowMs() - (data.readUInt16BE(0) / 2 ** 16) * HOUR
  const lifeMs = LIFE_MIN_MS + (data.readUInt16BE(2) / 2 ** 16) * (LIFE_MAX_MS - LIFE_MIN_MS)
  const times = { timestampMs: Math.floor(timestampMs), expiryMs: Math.floor(timestampMs + lifeMs) }
  const message = { account, namespace: 0, hash: hashMessage(account, 0, data), ...times, data }
  const stamp = firstStampAt(times.timestampMs)
  return { kind: 'message', message, stamp, livesUntilMs: times.expiryMs, changedStamp: stamp }
}
