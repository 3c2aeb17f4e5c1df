// What a member claims of a message that it holds: a store, and perhaps one extension, that come to the same wherever nothing else
// is known, and that what others do know of ends or lengthens as it should.
import type { TimestampMs } from '../base/clock.ts'
import type { HeldMessage } from '../protocol/contents.ts'
import type { StoredMessage } from '../protocol/message.ts'
import { type OperationStamp, stampMs } from '../protocol/operation-stamp.ts'
import type { History } from './history-codec.ts'
import { isHeld, type Locator } from './message-codec.ts'
import { isRange, type StampedOperation } from './operation.ts'
import { type MessageStates, step } from './replay.ts'

/** The only message of a replay of its own. */
const ID = ''

/** How a life began and was changed. */
interface Life {
  readonly stamp: OperationStamp
  readonly expiryMs: TimestampMs
  /** Of the last that lengthened it; ends before it, where only requests are known, are bridged (adoption.ts). */
  readonly lengthened?: OperationStamp
  /** Of the last that changed it. */
  readonly changed: OperationStamp
}

/** `message` has the expiry that is held now. */
export function heldMessageOf(locator: Locator, message: StoredMessage): HeldMessage {
  const livesUntilMs = locator.expiryMs
  if (locator.history === undefined) {
    return { kind: 'message', message, stamp: locator.stamp, livesUntilMs, changedStamp: locator.stamp }
  }
  const { stamp, expiryMs, changedStamp } = claimOf(locator)
  return { kind: 'message', message: { ...message, expiryMs }, stamp, livesUntilMs, changedStamp }
}

function claimOf(locator: Locator): { stamp: OperationStamp; expiryMs: TimestampMs; changedStamp: OperationStamp } {
  const untilMs = locator.expiryMs
  const life = locator.history === undefined ? undefined : lifeOf(locator.history, locator)
  if (life === undefined) return { stamp: locator.stamp, expiryMs: untilMs, changedStamp: locator.stamp }
  const changedStamp = life.lengthened ?? (untilMs > life.expiryMs ? life.changed : life.stamp)
  const storedMs = Math.min(life.expiryMs, untilMs)
  // It has to live when it is extended, even where nobody knows of the extensions between.
  const expiryMs =
    changedStamp > life.stamp ? Math.min(untilMs, Math.max(storedMs, stampMs(changedStamp) + 1)) : storedMs
  return { stamp: life.stamp, expiryMs, changedStamp }
}

/** The life that a history ends with; undefined when it does not tell, since others in its outbox decided about it. */
function lifeOf({ stamp, base, operations }: History, locator: Locator): Life | undefined {
  const states: MessageStates = new Map()
  let life: Life | undefined
  if (base !== undefined) {
    states.set(ID, base)
    life = { stamp, expiryMs: base.expiryMs, changed: stamp }
  }
  for (const operation of operations) life = lifeAfter(states, life, operation)
  const state = states.get(ID)
  const isTold = state?.expiryMs === locator.expiryMs && state.timestampMs === locator.timestampMs
  return isTold && state.namespace === locator.namespace ? life : undefined
}

function lifeAfter(states: MessageStates, life: Life | undefined, each: StampedOperation): Life | undefined {
  const { operation, stamp } = each
  const before = states.get(ID)
  const outcome = step(states, { ...each, id: isRange(operation) ? undefined : ID })
  const after = states.get(ID)
  if (after === undefined) return undefined
  if (outcome === 'new' || life === undefined) return { stamp, expiryMs: after.expiryMs, changed: stamp }
  if (before === undefined || after.expiryMs === before.expiryMs) return life
  const { stamp: born, expiryMs } = life
  if (after.expiryMs < before.expiryMs) return { stamp: born, expiryMs, changed: stamp }
  if (operation.kind === 'set') return { stamp: born, expiryMs, lengthened: stamp, changed: stamp }
  return { ...life, lengthened: stamp, changed: stamp }
}

/** When a message ended that was not deleted, by what is known of it; undefined for one that was, or that never was here. */
export function endedAtMs(locator: Locator): TimestampMs | undefined {
  const { history } = locator
  if (history === undefined) return isHeld(locator) ? locator.expiryMs : undefined
  const states: MessageStates = new Map()
  if (history.base !== undefined) states.set(ID, history.base)
  for (const each of history.operations) step(states, { ...each, id: isRange(each.operation) ? undefined : ID })
  return states.get(ID)?.expiryMs
}
