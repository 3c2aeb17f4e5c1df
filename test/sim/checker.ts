// What may be held against the nodes at the end of a simulation, when all faults are over and time enough has passed.
import type { DurationMs, TimestampMs } from '../../src/base/clock.ts'
import type { MessageHash } from '../../src/protocol/message.ts'
import { isPublicOutbox } from '../../src/protocol/namespace.ts'
import type { ServiceNodeKey } from '../../src/protocol/service-node.ts'
import { type AskedEnd, type AskedOperation, type AskedStore, concerns } from './history.ts'

export interface Judgement {
  readonly history: readonly AskedOperation[]
  readonly nowMs: TimestampMs
  /** The most that two wall clocks have differed by: within it, nobody can say which of two requests came first. */
  readonly skewMs: DurationMs
  /** Nodes whose disks have been there all along. One that has left may have had nobody within reach to hand over to. */
  readonly lasting: ReadonlySet<ServiceNodeKey>
}

/** Acknowledged, unexpired, and by nothing that was asked ended: these have to be readable. */
export function mustBeHeld({ history, nowMs, skewMs, lasting }: Judgement): Set<AskedStore> {
  const stores = history.filter((each) => each.kind === 'store')
  const ends = history.filter((each) => each.kind === 'end')
  const held = new Set<AskedStore>()
  for (const store of stores) {
    if (store.expiryMs <= nowMs || !isKept(store, lasting)) continue
    // A duplicate keeps the first timestamp, so what concerned the first concerns it.
    const same = stores.filter(({ hash, account }) => hash === store.hash && account === store.account)
    const mayHaveEnded = ends.some(
      (end) => same.some((each) => concerns(end, each)) && end.endMs <= nowMs && !isBefore(end, store, skewMs),
    )
    const mayBeReplaced = stores.some((other) => mayReplace(other, store))
    if (!mayHaveEnded && !mayBeReplaced) held.add(store)
  }
  return held
}

/** The soonest that a message may end, by what was asked of it. */
export function mayEndAtMs(history: readonly AskedOperation[], store: AskedStore): TimestampMs {
  const ends = history.filter((each) => each.kind === 'end').filter((end) => concerns(end, store))
  return Math.min(store.expiryMs, ...ends.map(({ endMs }) => endMs))
}

/** Deleted, and acknowledged so, after every store of it was over: these must not be there. */
export function mustBeGone({ history, skewMs, lasting }: Judgement): Set<MessageHash> {
  const stores = history.filter((each) => each.kind === 'store')
  const gone = new Set<MessageHash>()
  for (const end of history) {
    if (end.kind !== 'end' || end.endMs !== 0 || !isKept(end, lasting)) continue
    for (const store of stores) {
      if (!concerns(end, store)) continue
      const same = stores.filter(({ hash, account }) => hash === store.hash && account === store.account)
      const isEnded = (each: AskedStore) =>
        isBefore(each, end, skewMs) && concerns(end, each) && !hadEnded(each, end, skewMs)
      if (same.every(isEnded)) gone.add(store.hash)
    }
  }
  return gone
}

/** Whether somebody who acknowledged it has kept his disk. */
function isKept({ endedMs, acknowledgedBy }: AskedOperation, lasting: ReadonlySet<ServiceNodeKey>): boolean {
  return endedMs !== undefined && acknowledgedBy.some((key) => lasting.has(key))
}

/** The newest message of a public outbox takes the place of all others; which was newest is not for the checker to say. */
function mayReplace(other: AskedStore, store: AskedStore): boolean {
  if (!isPublicOutbox(store.namespace) || other === store) return false
  return other.account === store.account && other.namespace === store.namespace && other.hash !== store.hash
}

/** Whether a message had ended when it was deleted, for whatever clock: then a deletion has nothing to do. */
function hadEnded({ invokedMs, livesMs }: AskedStore, end: AskedEnd, skewMs: DurationMs): boolean {
  return invokedMs + livesMs <= (end.endedMs ?? end.invokedMs) + skewMs
}

/** Whether the first was over before the second began, for whatever clock; an answer that never came may still be under way. */
function isBefore(first: AskedOperation, second: AskedOperation, skewMs: DurationMs): boolean {
  if (first.endedMs === undefined || first.endedMs >= second.invokedMs) return false
  return first.entry === second.entry || second.invokedMs - first.endedMs > skewMs
}
