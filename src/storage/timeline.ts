// Messages whose operations matter to one another, replayed together: from what is known to be settled, through what has been done
// lately and what arrives now, to what is to be held and what still has to be remembered.
import { isPublicOutbox } from '../protocol/namespace.ts'
import { firstStampAt, type OperationStamp } from '../protocol/operation-stamp.ts'
import { HISTORY_OPERATIONS_MAX, type History } from './history-codec.ts'
import { compareOperations, isRange, type StampedOperation } from './operation.ts'
import {
  compareReplayed,
  type MessageState,
  type MessageStates,
  type ReplayedOperation,
  type StepOutcome,
  step,
} from './replay.ts'
import { ReturnWatch } from './return-watch.ts'

export interface TimelineInput {
  /** Histories by the latin1 text of their hash. */
  readonly histories: ReadonlyMap<string, History>
  /** Operations on ranges that the account remembers. */
  readonly ranges: readonly StampedOperation[]
  /** What arrives, for one of the messages. */
  readonly arriving?: { readonly id: string; readonly operation: StampedOperation } | undefined
  /** What is older is settled: nothing can arrive any more that comes before it. */
  readonly settledMs: number
}

export interface TimelineEnd {
  readonly state: MessageState | undefined
  readonly history: History
  /** Whether an operation that arrives late, and brings no data, may still bring the message back. */
  readonly mayReturn: boolean
}

export interface Timeline {
  /** What became of the arriving operation; undefined when it came too late, or again. */
  readonly outcome: StepOutcome | undefined
  readonly ends: ReadonlyMap<string, TimelineEnd>
}

/** What happens at one moment: an operation, or the end of what is settled of one message. */
type Moment = ReplayedOperation | { readonly stamp: OperationStamp; readonly id: string; readonly base: MessageState }

export function replayTimeline(input: TimelineInput): Timeline {
  const { histories, arriving, settledMs } = input
  const own = new Map([...histories].map(([id, { operations }]) => [id, operations.filter(isOwn)]))
  const isTaken = arriving !== undefined && takeArriving(own, histories, arriving)
  const cut = cutOf(histories, own, firstStampAt(settledMs))
  const replay = replayMoments(momentsOf(input, own), cut, isTaken ? arriving.operation : undefined)
  const ends = new Map<string, TimelineEnd>()
  for (const [id, { stamp }] of histories) ends.set(id, endOf(id, stamp, own.get(id) ?? [], replay))
  return { outcome: replay.outcome, ends }
}

/** What carrying out everything came to. */
interface Replay {
  readonly cut: OperationStamp
  readonly states: MessageStates
  /** As it was when everything before the cut was done, and the stamp of the last of that. */
  readonly settled: MessageStates
  readonly settledStamp: OperationStamp
  /** Ranges, by the messages that they changed. */
  readonly effective: ReadonlyMap<string, StampedOperation[]>
  readonly returns: ReturnWatch
  /** Of the operation that was asked about. */
  readonly outcome: StepOutcome | undefined
}

function replayMoments(moments: readonly Moment[], cut: OperationStamp, asked: StampedOperation | undefined): Replay {
  const states: MessageStates = new Map()
  const effective = new Map<string, StampedOperation[]>()
  const returns = new ReturnWatch()
  let settled: MessageStates | undefined
  let settledStamp = 0
  let outcome: StepOutcome | undefined
  for (const moment of moments) {
    const isSettled = moment.stamp < cut
    if (!isSettled) settled ??= new Map(states)
    let concerns = moment.id !== undefined
    if ('base' in moment) {
      placeBase(states, moment)
      returns.stored(moment.id, moment.base, 'new')
    } else {
      const result = step(states, moment, {
        affected(id) {
          pushTo(effective, id, moment)
          concerns = true
        },
        outlived: (id) => returns.outlived(id),
      })
      if (moment.bytes === asked?.bytes) outcome = result
      if (moment.operation.kind === 'store' && moment.id !== undefined) {
        returns.stored(moment.id, moment.operation, result)
      }
    }
    // A range that concerns none of the messages is no part of what they have come to.
    if (isSettled && concerns) settledStamp = moment.stamp
  }
  return { cut, states, settled: settled ?? new Map(states), settledStamp, effective, returns, outcome }
}

function endOf(id: string, stamp: OperationStamp, own: readonly StampedOperation[], replay: Replay): TimelineEnd {
  const { cut, states, settled, settledStamp, effective, returns } = replay
  const operations = [...own, ...(effective.get(id) ?? [])].filter((each) => each.stamp >= cut).sort(compareOperations)
  const base = settled.get(id)
  const isOpen = operations.length > 0 || base !== undefined
  return {
    state: states.get(id),
    history: { stamp: Math.max(stamp, settledStamp), base, operations },
    mayReturn: isOpen && returns.mayReturn(id),
  }
}

/** What is settled in an outbox has outlived all that was there before. */
function placeBase(states: MessageStates, { id, base }: Extract<Moment, { base: MessageState }>): void {
  if (isPublicOutbox(base.namespace)) {
    for (const [other, { namespace }] of states) if (namespace === base.namespace) states.delete(other)
  }
  states.set(id, base)
}

/** Ranges are the account's, and join again from there; those that had an effect are remembered with the message too. */
function isOwn({ operation }: StampedOperation): boolean {
  return !isRange(operation)
}

function takeArriving(
  own: Map<string, StampedOperation[]>,
  histories: TimelineInput['histories'],
  { id, operation }: NonNullable<TimelineInput['arriving']>,
): boolean {
  const operations = own.get(id)
  if (operations === undefined || operation.stamp <= (histories.get(id)?.stamp ?? 0)) return false
  if (operations.some(({ bytes }) => bytes.equals(operation.bytes))) return false
  // Only with many of one stamp, which no honest node gives twice: folding cannot part them.
  if (operations.length >= 2 * HISTORY_OPERATIONS_MAX) return false
  operations.push(operation)
  operations.sort(compareOperations)
  return true
}

/** The stamp before which everything is settled: sooner than usual when there is more than can be remembered. */
function cutOf(
  histories: TimelineInput['histories'],
  own: ReadonlyMap<string, readonly StampedOperation[]>,
  settled: OperationStamp,
): OperationStamp {
  let cut = settled
  for (const [id, { operations }] of histories) {
    const ranges = operations.filter((each) => !isOwn(each))
    const remembered = [...(own.get(id) ?? []), ...ranges].sort(compareOperations)
    const oldest = remembered[remembered.length - HISTORY_OPERATIONS_MAX]
    if (oldest !== undefined) cut = Math.max(cut, oldest.stamp)
  }
  return cut
}

function momentsOf({ histories, ranges }: TimelineInput, own: ReadonlyMap<string, StampedOperation[]>): Moment[] {
  const allRanges = new Map<string, ReplayedOperation>()
  const addRange = (range: StampedOperation) =>
    allRanges.set(range.bytes.toString('latin1'), { ...range, id: undefined })
  for (const range of ranges) addRange(range)
  const moments: Moment[] = []
  for (const [id, { base, stamp, operations }] of histories) {
    if (base !== undefined) moments.push({ stamp, id, base })
    for (const operation of operations) if (!isOwn(operation)) addRange(operation)
    for (const operation of own.get(id) ?? []) moments.push({ ...operation, id })
  }
  moments.push(...allRanges.values())
  return moments.sort(compareMoments)
}

/** What is settled comes before an operation of the same stamp: that of another message, or one that is part of it. */
function compareMoments(a: Moment, b: Moment): number {
  if ('base' in a || 'base' in b) return a.stamp - b.stamp || ('base' in b ? 1 : 0) - ('base' in a ? 1 : 0)
  return compareReplayed(a, b)
}

function pushTo(lists: Map<string, StampedOperation[]>, id: string, { stamp, operation, bytes }: ReplayedOperation) {
  const list = lists.get(id)
  if (list === undefined) lists.set(id, [{ stamp, operation, bytes }])
  else list.push({ stamp, operation, bytes })
}
