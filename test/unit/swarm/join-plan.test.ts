import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import type { SwarmArc } from '../../../src/protocol/swarm-assignment.ts'
import { ArcSet } from '../../../src/swarm/arc-set.ts'
import {
  completeShare,
  type JoinCircumstances,
  type JoinState,
  NOTHING_JOINED,
  planned,
  withComplete,
  withFetchedComplete,
  withRange,
} from '../../../src/swarm/join-plan.ts'
import { decodeJoinState, encodeJoinState } from '../../../src/swarm/join-state-codec.ts'
import { accountAt, someMembers } from './member-lists.ts'

const RANGES = 4
const keys = someMembers(8).map(({ key }) => key)
const [self, ...others] = keys as [ServiceNodeKey, ...ServiceNodeKey[]]
const arc = (first: number, last: number): SwarmArc => ({ first: BigInt(first), last: BigInt(last) })

function circumstances(own: SwarmArc | undefined, changes: Partial<JoinCircumstances> = {}): JoinCircumstances {
  const set = ArcSet.of(own)
  return { own: set, served: set, holdersBefore: [], members: keys, self, ...changes }
}

const cursor = { account: accountAt(7n), kind: 'message' as const, id: Buffer.alloc(33, 7) }

function fetched(state: JoinState): JoinState {
  const done = state.pieces.reduce(
    (all, piece) => piece.ranges.reduce((before, range) => withRange(before, piece.arc, { ...range, done: true }), all),
    state,
  )
  return withFetchedComplete(done)
}

test('a new node is to fetch all of its arc from the others of its swarm, split by the first bytes of keys', () => {
  const state = planned(NOTHING_JOINED, circumstances(arc(10, 99)), RANGES)
  expect(state.complete.isEmpty).toBe(true)
  expect(state.pieces.map((piece) => [piece.arc, piece.sources])).toEqual([[arc(10, 99), others]])
  expect(state.pieces[0]?.ranges.map(({ first, last }) => [first, last])).toEqual([
    [0, 63],
    [64, 127],
    [128, 191],
    [192, 255],
  ])
})

test('what was fetched is complete, and nothing of it is fetched again', () => {
  const state = fetched(planned(NOTHING_JOINED, circumstances(arc(10, 99)), RANGES))
  expect(state.complete.equals(ArcSet.of(arc(10, 99)))).toBe(true)
  expect(planned(state, circumstances(arc(10, 99)), RANGES).pieces).toEqual([])
})

test('an arc that grew is fetched from those who held each part of it in the epoch before', () => {
  const before = fetched(planned(NOTHING_JOINED, circumstances(arc(100, 199)), RANGES))
  const holdersBefore = [
    { arc: arc(0, 99), members: others.slice(0, 3) },
    { arc: arc(100, 199), members: [self, ...others.slice(3, 5)] },
    { arc: arc(200, 299), members: others.slice(5) },
  ]
  const state = planned(before, circumstances(arc(50, 249), { holdersBefore }), RANGES)
  expect(state.pieces.map(({ arc: piece, sources }) => [piece, sources])).toEqual([
    [arc(50, 99), others.slice(0, 3)],
    [arc(200, 249), others.slice(5)],
  ])
})

test('what is no longer served is not complete any more: it may come back changed', () => {
  const state = fetched(planned(NOTHING_JOINED, circumstances(arc(0, 99)), RANGES))
  const overlap = planned(state, circumstances(arc(0, 49), { served: ArcSet.of(arc(0, 99)) }), RANGES)
  expect(overlap.complete.equals(ArcSet.of(arc(0, 99)))).toBe(true)
  const after = planned(overlap, circumstances(arc(0, 49)), RANGES)
  expect(after.complete.equals(ArcSet.of(arc(0, 49)))).toBe(true)
  expect(planned(after, circumstances(arc(0, 99)), RANGES).pieces.map((piece) => piece.arc)).toEqual([arc(50, 99)])
})

test('a piece that is cut by a change of the swarms keeps what has been fetched of it', () => {
  const begun = planned(NOTHING_JOINED, circumstances(arc(0, 99)), RANGES)
  const range = { first: 0, last: 63, after: cursor, done: false }
  const state = planned(withRange(begun, arc(0, 99), range), circumstances(arc(40, 149)), RANGES)
  expect(state.pieces.map((piece) => [piece.arc, piece.ranges[0]?.after])).toEqual([
    [arc(40, 99), cursor],
    [arc(100, 149), undefined],
  ])
})

test('a range of a piece that is no longer wanted changes nothing', () => {
  const state = planned(NOTHING_JOINED, circumstances(arc(0, 99)), RANGES)
  expect(withRange(state, arc(5, 6), { first: 0, last: 63, after: undefined, done: true })).toEqual(state)
})

test('a node that serves nothing has nothing to fetch', () => {
  const state = fetched(planned(NOTHING_JOINED, circumstances(arc(0, 99)), RANGES))
  expect(planned(state, circumstances(undefined), RANGES)).toEqual(NOTHING_JOINED)
  expect(completeShare(NOTHING_JOINED, ArcSet.empty)).toBe(1)
})

test('the share that is complete counts what has been fetched of pieces', () => {
  const own = ArcSet.of(arc(0, 99))
  const begun = planned(NOTHING_JOINED, circumstances(arc(0, 99)), RANGES)
  const half = planned(withComplete(begun, ArcSet.of(arc(0, 49))), circumstances(arc(0, 99)), RANGES)
  expect(completeShare(begun, own)).toBe(0)
  expect(completeShare(half, own)).toBe(0.5)
  const more = withRange(half, arc(50, 99), { first: 0, last: 63, after: undefined, done: true })
  expect(completeShare(more, own)).toBe(0.625)
})

const point = fc.bigInt({ min: 0n, max: 40n })
const anArc = fc.record({ first: point, last: point })

test('whatever changes come, nothing is called complete that was not fetched, and all that is missing is to be fetched', () => {
  const step = fc.record({ own: fc.option(anArc, { nil: undefined }), fetch: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), fc.array(anArc, { maxLength: 3 }), (steps, parts) => {
      const holdersBefore = parts.map((part, index) => ({ arc: part, members: others.slice(index) }))
      let state = NOTHING_JOINED
      let has = ArcSet.empty
      let before = ArcSet.empty
      for (const { own, fetch } of steps) {
        const now = ArcSet.of(own)
        const served = now.with(before)
        state = planned(state, { own: now, served, holdersBefore, members: keys, self }, RANGES)
        has = has.within(served)
        expect(state.complete.without(has).isEmpty).toBe(true)
        const wanted = ArcSet.of(...state.pieces.map((piece) => piece.arc))
        expect(wanted.equals(now.without(state.complete))).toBe(true)
        expect(decodeJoinState(encodeJoinState(state))).toEqual(state)
        if (fetch) {
          has = has.with(wanted)
          state = fetched(state)
          expect(now.without(state.complete).isEmpty).toBe(true)
        }
        before = now
      }
    }),
  )
})

test('what is on the disk is read back, and what cannot be read is nothing', () => {
  const begun = planned(NOTHING_JOINED, circumstances({ first: 1n << 63n, last: 99n }), RANGES)
  const arcs = begun.pieces.map((piece) => piece.arc)
  const [first] = arcs
  if (first === undefined) return expect.unreachable()
  const range = { first: 64, last: 127, after: cursor, done: false }
  const state = withRange(withComplete(begun, ArcSet.of(arc(0, 9))), first, range)
  const bytes = encodeJoinState(state)
  expect(decodeJoinState(bytes)).toEqual(state)
  for (let length = 0; length < bytes.length; length++) {
    expect(decodeJoinState(bytes.subarray(0, length))).toBeUndefined()
  }
  expect(decodeJoinState(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeUndefined()
  expect(decodeJoinState(Uint8Array.of(2, ...bytes.subarray(1)))).toBeUndefined()
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const changed = Buffer.from(bytes)
      changed[at] = value
      decodeJoinState(changed)
    }),
  )
})
