// What a member claims of a message that it holds: a store, and perhaps one extension, that come to the same wherever nothing else
// is known, and that what others do know of ends or lengthens as it should.
import type { TimestampMs } from '../base/clock.ts'
import type { HeldMessage } from '../protocol/contents.ts'
import type { StoredMessage } from '../protocol/message.ts'
import { type OperationStamp, stampMs } from '../protocol/operation-stamp.ts'
import type { History } from './history-codec.ts'
import { isHeld, type Locator } from './message-codec.ts'
import { isRange, type StampedOperation } from './operation.ts'
import { type MessageState, type MessageStates, type StepOutcome, step } from './replay.ts'

/** The only message of a replay of its own. */
const ID = ''

/** How a life began and was changed. */
interface Life {
  readonly stamp: OperationStamp
  readonly expiryMs: TimestampMs
  /** Of the last operation that changed it. */
  readonly changed: OperationStamp
  /** By that one. Ends before it, where only requests are known, are bridged (adoption.ts). */
  readonly isLengthened: boolean
}

/** `message` has the expiry that is held now. */
export function heldMessageOf(locator: Locator, message: StoredMessage): HeldMessage {
  const { history, expiryMs: livesUntilMs } = locator
  const life = history && lifeOf(history, locator)
  if (life === undefined) {
    return { kind: 'message', message, stamp: locator.stamp, livesUntilMs, changedStamp: locator.stamp }
  }
  const isExtended = life.isLengthened || livesUntilMs > life.expiryMs
  const changedStamp = isExtended ? life.changed : life.stamp
  const storedMs = Math.min(life.expiryMs, livesUntilMs)
  // It has to live when it is extended, even where nobody knows of the extensions between.
  const expiryMs =
    changedStamp > life.stamp ? Math.min(livesUntilMs, Math.max(storedMs, stampMs(changedStamp) + 1)) : storedMs
  return { kind: 'message', message: { ...message, expiryMs }, stamp: life.stamp, livesUntilMs, changedStamp }
}

/** The life that a history ends with; undefined when it does not tell, since others in its outbox decided about it. */
function lifeOf(history: History, locator: Locator): Life | undefined {
  const { stamp, base } = history
  let life: Life | undefined
  if (base !== undefined) life = { stamp, expiryMs: base.expiryMs, changed: stamp, isLengthened: false }
  const state = replay(history, (each, outcome, before, after) => {
    life = lifeAfter(life, each.stamp, outcome, before, after)
  })
  const isTold = state?.expiryMs === locator.expiryMs && state.timestampMs === locator.timestampMs
  return isTold && state.namespace === locator.namespace ? life : undefined
}

function lifeAfter(
  life: Life | undefined,
  stamp: OperationStamp,
  outcome: StepOutcome,
  before: MessageState | undefined,
  after: MessageState | undefined,
): Life | undefined {
  if (after === undefined) return undefined
  if (outcome === 'new' || life === undefined) {
    return { stamp, expiryMs: after.expiryMs, changed: stamp, isLengthened: false }
  }
  if (before === undefined || after.expiryMs === before.expiryMs) return life
  return { ...life, changed: stamp, isLengthened: after.expiryMs > before.expiryMs }
}

/** When a message ended that was not deleted, by what is known of it; undefined for one that was, or that never was here. */
export function endedAtMs(locator: Locator): TimestampMs | undefined {
  if (locator.history === undefined) return isHeld(locator) ? locator.expiryMs : undefined
  return replay(locator.history)?.expiryMs
}

type Observer = (
  operation: StampedOperation,
  outcome: StepOutcome,
  before: MessageState | undefined,
  after: MessageState | undefined,
) => void

/** What a history of one message comes to. */
function replay({ base, operations }: History, observe?: Observer): MessageState | undefined {
  const states: MessageStates = new Map()
  if (base !== undefined) states.set(ID, base)
  for (const each of operations) {
    const before = states.get(ID)
    const outcome = step(states, { ...each, id: isRange(each.operation) ? undefined : ID })
    observe?.(each, outcome, before, states.get(ID))
  }
  return states.get(ID)
}
