// What operations do to messages when they are carried out one after the other. Nothing here knows when they arrived, so
// whoever has the same operations comes to the same messages.
import type { TimestampMs } from '../base/clock.ts'
import { compareHashes } from '../protocol/message.ts'
import { isPublicInbox, isPublicOutbox, type Namespace } from '../protocol/namespace.ts'
import { stampMs } from '../protocol/operation-stamp.ts'
import { hashFromBytes } from './keys.ts'
import type { ExpireMode, NamespaceChoice, Operation, StampedOperation } from './operation.ts'

/** What is held of a message besides its data. */
export interface MessageState {
  readonly namespace: Namespace
  readonly timestampMs: TimestampMs
  readonly expiryMs: TimestampMs
}

/** Held messages by the latin1 text of their hash's bytes. */
export type MessageStates = Map<string, MessageState>

export interface ReplayedOperation extends StampedOperation {
  /** The message that it is for; none for a range. */
  readonly id: string | undefined
}

/** What became of a store when its turn came; of another operation, whether it changed anything that is asked about. */
export type StepOutcome = 'new' | 'extended' | 'exists' | 'obsolete' | 'applied' | 'refused' | 'absent'

/** An extension by less than this share of the message's life so far planned is not worth rewriting it. */
const EXTENSION_SHARE_MIN = 0.01

export function compareReplayed(a: ReplayedOperation, b: ReplayedOperation): number {
  return a.stamp - b.stamp || Buffer.compare(a.bytes, b.bytes) || compareTexts(a.id ?? '', b.id ?? '')
}

/** Is told what an operation does beside its outcome. */
export interface StepObserver {
  /** A range changed a message. */
  affected?(id: string): void
  /** A message lost its outbox to an older one, only because it had ended. */
  outlived?(id: string): void
}

/** Carries out one operation at the moment of its stamp. */
export function step(
  states: MessageStates,
  { id, operation, stamp }: ReplayedOperation,
  observer: StepObserver = {},
): StepOutcome {
  const atMs = stampMs(stamp)
  if (id === undefined) return stepRange(states, operation, atMs, observer)
  const held = states.get(id)
  const current = held !== undefined && held.expiryMs > atMs ? held : undefined
  switch (operation.kind) {
    case 'store':
      return stepStore(states, { id, current, operation, atMs }, observer)
    case 'delete':
      return states.delete(id) && current !== undefined ? 'applied' : 'absent'
    case 'expire-range':
    case 'delete-range':
      return 'absent'
    default:
      if (current === undefined) return 'absent'
      if (!moves(operation.kind, current, operation.expiryMs)) return 'refused'
      states.set(id, { ...current, expiryMs: operation.expiryMs })
      return 'applied'
  }
}

/** Whether a change of expiry is carried out. */
export function moves(
  mode: ExpireMode,
  { timestampMs, expiryMs }: Omit<MessageState, 'namespace'>,
  wantedMs: TimestampMs,
): boolean {
  switch (mode) {
    case 'set':
      return true
    case 'shorten':
      return expiryMs > wantedMs
    case 'extend-any':
      return expiryMs < wantedMs
    case 'extend':
      return expiryMs < wantedMs && wantedMs - expiryMs >= (expiryMs - timestampMs) * EXTENSION_SHARE_MIN
  }
}

export function isInChoice(namespace: Namespace, choice: NamespaceChoice): boolean {
  return choice === 'all' || choice === namespace
}

interface StoreStep {
  readonly id: string
  /** What lives under the hash already. */
  readonly current: MessageState | undefined
  readonly operation: Extract<Operation, { kind: 'store' }>
  readonly atMs: TimestampMs
}

function stepStore(
  states: MessageStates,
  { id, current, operation, atMs }: StoreStep,
  observer: StepObserver,
): StepOutcome {
  const { namespace, timestampMs, expiryMs } = operation
  if (current !== undefined && !yieldsTo(current, namespace)) {
    // A duplicate never shortens, and keeps the first timestamp.
    if (expiryMs <= current.expiryMs) return 'exists'
    states.set(id, { ...current, expiryMs })
    return 'extended'
  }
  if (isPublicOutbox(namespace) && !takeOutbox(states, id, operation, atMs, observer)) return 'obsolete'
  states.set(id, { namespace, timestampMs, expiryMs })
  return 'new'
}

/** Empties an outbox for a message, unless a newer one lives there. */
function takeOutbox(
  states: MessageStates,
  id: string,
  { namespace, timestampMs }: StoreStep['operation'],
  atMs: TimestampMs,
  observer: StepObserver,
): boolean {
  const others = [...states].filter(([other, state]) => other !== id && state.namespace === namespace)
  const newer = others.filter(([other, state]) =>
    isNewer({ id: other, timestampMs: state.timestampMs }, { id, timestampMs }),
  )
  if (newer.some(([, state]) => state.expiryMs > atMs)) return false
  for (const [other] of newer) observer.outlived?.(other)
  for (const [other] of others) states.delete(other)
  return true
}

/**
 * The namespace and the data are hashed without a mark between them, so data can be made up for a public inbox that has the
 * hash of the owner's message elsewhere. Such a thing gives way, else anyone could keep the owner's message out.
 */
function yieldsTo(current: MessageState, namespace: Namespace): boolean {
  return isPublicInbox(current.namespace) && !isPublicInbox(namespace)
}

/** The newest message wins an outbox; of two of the same moment the one with the greater hash. */
function isNewer(a: { id: string; timestampMs: TimestampMs }, b: { id: string; timestampMs: TimestampMs }): boolean {
  if (a.timestampMs !== b.timestampMs) return a.timestampMs > b.timestampMs
  return compareHashes(hashOf(a.id), hashOf(b.id)) > 0
}

function stepRange(
  states: MessageStates,
  operation: Operation,
  atMs: TimestampMs,
  observer: StepObserver,
): StepOutcome {
  for (const [id, state] of states) {
    const next = afterRange(state, operation, atMs)
    if (next === state) continue
    observer.affected?.(id)
    if (next === undefined) states.delete(id)
    else states.set(id, next)
  }
  return 'applied'
}

function afterRange(state: MessageState, operation: Operation, atMs: TimestampMs): MessageState | undefined {
  if (state.expiryMs <= atMs) return state
  if (operation.kind === 'delete-range') {
    const concerns = isInChoice(state.namespace, operation.namespace) && state.timestampMs <= operation.beforeMs
    return concerns ? undefined : state
  }
  if (operation.kind !== 'expire-range') return state
  const concerns = isInChoice(state.namespace, operation.namespace) && state.expiryMs > operation.expiryMs
  return concerns ? { ...state, expiryMs: operation.expiryMs } : state
}

function hashOf(id: string) {
  return hashFromBytes(Buffer.from(id, 'latin1'))
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
