import type { HeldMessage } from '../protocol/contents.ts'
import { isPublicOutbox } from '../protocol/namespace.ts'
import { firstStampAt, stampMs } from '../protocol/operation-stamp.ts'
import type { Circumstances } from './circumstances.ts'
import type { AdoptOutcome } from './contents.ts'
import { endedAtMs } from './held-message.ts'
import { accountBytes, hashBytes } from './keys.ts'
import { isHeld, type Locator } from './message-codec.ts'
import { findLocator, insertMessage, isLive, type MessageId, usageOf, writeUsage } from './message-records.ts'
import { stamped } from './operation.ts'
import { isStoreLogged } from './request-log.ts'
import { settle } from './settlement.ts'
import { grown, lookUp, shortageFor, storeMessage } from './store-operation.ts'
import type { WriteBatch } from './write-batch.ts'

/** Ends that are bridged: each is a request of the owner's that shortened a life. */
const GAPS_MAX = 8

/** Takes messages as others claim to hold them: as stores, and extensions, each in its place among what is known here. */
export function adoptMessages(
  batch: WriteBatch,
  messages: readonly HeldMessage[],
  circumstances: Circumstances,
): AdoptOutcome[] {
  const outcomes: AdoptOutcome[] = []
  while (outcomes.length < messages.length) {
    outcomes.push(...adoptRun(batch, runFrom(messages, outcomes.length), circumstances))
  }
  return outcomes
}

/** Those of the same account that come one after the other. */
function runFrom(messages: readonly HeldMessage[], at: number): readonly HeldMessage[] {
  const account = messages[at]?.message.account
  let end = at + 1
  while (end < messages.length && messages[end]?.message.account === account) end++
  return messages.slice(at, end)
}

/**
 * Messages of one account. A node that joins takes millions of accounts of which it knows nothing: then no message of theirs is looked for, and what the
 * account has is counted up once.
 */
function adoptRun(batch: WriteBatch, run: readonly HeldMessage[], circumstances: Circumstances): AdoptOutcome[] {
  const inserted = insertUnknown(batch, run, circumstances)
  return run.map((held) => inserted.get(held) ?? adopt(batch, held, circumstances))
}

/** Takes what is nothing but stored, when nothing at all is known of its account. */
function insertUnknown(
  batch: WriteBatch,
  run: readonly HeldMessage[],
  circumstances: Circumstances,
): ReadonlyMap<HeldMessage, AdoptOutcome> {
  const outcomes = new Map<HeldMessage, AdoptOutcome>()
  const [first] = run
  if (first === undefined) return outcomes
  const account = accountBytes(first.message.account)
  let usage = usageOf(batch, account)
  if (usage.messages > 0 || usage.tombstones > 0 || usage.ranges.length > 0) return outcomes
  const hashes = new Set<string>()
  try {
    for (const held of run) {
      const { message, stamp } = held
      if (!isOnlyStored(held) || held.livesUntilMs <= circumstances.nowMs || hashes.has(message.hash)) continue
      if (shortageFor(message, usage, batch.totals, circumstances) !== undefined) continue
      insertMessage(batch, { account, hash: hashBytes(message.hash) }, message, stamp)
      usage = grown(usage, message.data)
      hashes.add(message.hash)
      outcomes.set(held, 'new')
    }
  } finally {
    // Also when one of them cannot be written down: those before it are in the batch.
    if (outcomes.size > 0) writeUsage(batch, account, usage)
  }
  return outcomes
}

function adopt(batch: WriteBatch, held: HeldMessage, circumstances: Circumstances): AdoptOutcome {
  const { message, stamp } = held
  if (held.livesUntilMs <= circumstances.nowMs) return 'obsolete'
  const known = lookUp(batch, message)
  const { id, locator: before } = known
  if (before === undefined && isOnlyStored(held)) {
    const { outcome, expiryMs } = storeMessage(batch, message, stamp, circumstances, known)
    if (outcome === 'full') return 'full'
    if (outcome === 'new' && expiryMs === held.livesUntilMs) return 'new'
    return outcomeOf(before, findLocator(batch, id), circumstances)
  }
  const wasLive = before !== undefined && isLive(before, circumstances.nowMs)
  if (wasLive && saysTheSame(before, held)) return 'known'
  // First, since the store alone may come to nothing. Most often the message is here already, and was extended elsewhere.
  extend(batch, id, held, circumstances)
  if (wasLive && saysTheSame(findLocator(batch, id), held)) return 'changed'
  // Only the owner's request takes an outbox. Where it is here, the message itself may have gone and come back.
  if (isPublicOutbox(message.namespace) && !isStoreLogged(batch, id.account, message)) {
    return outcomeOf(before, findLocator(batch, id), circumstances)
  }
  if (storeMessage(batch, message, stamp, circumstances).outcome === 'full') return 'full'
  // Again, where there was no room to remember it without its message.
  if (isShort(findLocator(batch, id), held)) extend(batch, id, held, circumstances)
  bridge(batch, id, held, circumstances)
  return outcomeOf(before, findLocator(batch, id), circumstances)
}

/** Nothing but a store is claimed, and of no outbox. */
function isOnlyStored(held: HeldMessage): boolean {
  return !isExtended(held) && !isPublicOutbox(held.message.namespace)
}

function isExtended({ livesUntilMs, changedStamp, stamp, message }: HeldMessage): boolean {
  return changedStamp > stamp || livesUntilMs > message.expiryMs
}

/** Claims only lengthen lives. */
function extend(batch: WriteBatch, id: MessageId, held: HeldMessage, circumstances: Circumstances): void {
  if (!isExtended(held)) return
  const { livesUntilMs, changedStamp } = held
  const operation = stamped(changedStamp, { kind: 'extend-any', expiryMs: livesUntilMs, order: 0 })
  settle(batch, id, { operation }, circumstances)
}

/**
 * By requests that are known here, a message may have ended before the change that is claimed: it was extended between, by one that nobody keeps. What is
 * claimed only lengthens lives, so it does so from just before that end.
 */
function bridge(batch: WriteBatch, id: MessageId, held: HeldMessage, circumstances: Circumstances): void {
  const { message, stamp, changedStamp, livesUntilMs } = held
  for (let gaps = 0; gaps < GAPS_MAX; gaps++) {
    const locator = findLocator(batch, id)
    const endedMs = locator && !isLive(locator, circumstances.nowMs) ? endedAtMs(locator) : undefined
    if (endedMs === undefined || endedMs > stampMs(changedStamp)) return
    const operation = stamped(firstStampAt(endedMs) - 1, { kind: 'extend-any', expiryMs: livesUntilMs, order: 0 })
    settle(batch, id, { operation }, circumstances)
    storeMessage(batch, message, stamp, circumstances)
  }
}

function isShort(locator: Locator | undefined, { livesUntilMs }: HeldMessage): boolean {
  return locator !== undefined && isHeld(locator) && locator.expiryMs < livesUntilMs
}

function saysTheSame(locator: Locator | undefined, { message, livesUntilMs }: HeldMessage): boolean {
  if (locator?.namespace !== message.namespace) return false
  return locator.timestampMs === message.timestampMs && locator.expiryMs === livesUntilMs
}

function outcomeOf(before: Locator | undefined, after: Locator | undefined, { nowMs }: Circumstances): AdoptOutcome {
  if (after === undefined || !isLive(after, nowMs)) return 'obsolete'
  if (before === undefined || !isLive(before, nowMs)) return 'new'
  const isSame =
    before.namespace === after.namespace &&
    before.timestampMs === after.timestampMs &&
    before.expiryMs === after.expiryMs
  return isSame ? 'known' : 'changed'
}
