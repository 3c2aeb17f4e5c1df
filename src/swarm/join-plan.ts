import type { AccountId } from '../protocol/account.ts'
import type { ContentsCursor } from '../protocol/contents.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../protocol/swarm-space.ts'
import { ArcSet } from './arc-set.ts'
import type { SwarmHolders } from './membership.ts'

/** Accounts of a piece whose keys begin with certain bytes: what one source is asked for, page by page. */
export interface JoinRange {
  readonly first: number
  readonly last: number
  /** Where the last page that we have ended. Any source can go on from there. */
  readonly after: ContentsCursor | undefined
  readonly done: boolean
}

/** A part of the ring whose accounts are new here, and who held all of it before. */
export interface JoinPiece {
  readonly arc: SwarmArc
  readonly sources: readonly ServiceNodeKey[]
  readonly ranges: readonly JoinRange[]
}

/** What is known to be here, and how far the rest has come. */
export interface JoinState {
  readonly complete: ArcSet
  readonly pieces: readonly JoinPiece[]
}

export const NOTHING_JOINED: JoinState = { complete: ArcSet.empty, pieces: [] }

export interface JoinCircumstances {
  /** What this node serves in the current epoch. */
  readonly own: ArcSet
  /** The same, and what it served in the epoch before. */
  readonly served: ArcSet
  /** Who held what in the epoch before; in the first one, nobody. */
  readonly holdersBefore: readonly SwarmHolders[]
  /** The members of our swarm now. */
  readonly members: readonly ServiceNodeKey[]
  readonly self: ServiceNodeKey
}

/** Changes of the swarms may cut pieces again and again. With more than this, what is missing is taken as a whole from the start. */
const PIECES_MAX = 32

/** What is complete and what is to be fetched when the swarms are like this. What has been fetched of a piece stays fetched. */
export function planned(state: JoinState, circumstances: JoinCircumstances, ranges: number): JoinState {
  const complete = state.complete.within(circumstances.served)
  const missing = circumstances.own.without(complete)
  const begun = state.pieces.flatMap((piece) =>
    ArcSet.of(piece.arc)
      .within(missing)
      .arcs.map((arc) => ({ ...piece, arc })),
  )
  const pieces = begun.length > PIECES_MAX ? [] : begun
  const rest = missing.without(ArcSet.of(...pieces.map(({ arc }) => arc)))
  return { complete, pieces: [...pieces, ...newPieces(rest, circumstances, ranges)] }
}

/** A piece for each swarm that held a part of it, whose members have all of that; and one of what nobody held. */
function newPieces(missing: ArcSet, { holdersBefore, members, self }: JoinCircumstances, ranges: number): JoinPiece[] {
  const held = holdersBefore.flatMap((swarm) => piecesOf(missing, swarm, self, ranges))
  const rest = missing.without(ArcSet.of(...held.map(({ arc }) => arc)))
  return [...held, ...rest.arcs.map((arc) => ({ arc, sources: othersOf(members, self), ranges: evenRanges(ranges) }))]
}

function piecesOf(missing: ArcSet, { arc: served, members }: SwarmHolders, self: ServiceNodeKey, ranges: number) {
  const arcs = missing.within(ArcSet.of(served)).arcs
  return arcs.map((arc): JoinPiece => ({ arc, sources: othersOf(members, self), ranges: evenRanges(ranges) }))
}

function othersOf(members: readonly ServiceNodeKey[], self: ServiceNodeKey): readonly ServiceNodeKey[] {
  return members.filter((key) => key !== self)
}

function evenRanges(count: number): JoinRange[] {
  const start = (index: number) => Math.floor((index * 256) / count)
  return Array.from({ length: count }, (_, index) => ({
    first: start(index),
    last: start(index + 1) - 1,
    after: undefined,
    done: false,
  }))
}

/** With another range in the place of one; the same state when its piece is no longer wanted. */
export function withRange(state: JoinState, arc: SwarmArc, range: JoinRange): JoinState {
  const pieces = state.pieces.map((piece) => {
    if (!isSameArc(piece.arc, arc)) return piece
    return { ...piece, ranges: piece.ranges.map((known) => (known.first === range.first ? range : known)) }
  })
  return { ...state, pieces }
}

/** With the fetched pieces among what is complete. */
export function withFetchedComplete(state: JoinState): JoinState {
  const fetched = state.pieces.filter(isFetched)
  return {
    complete: state.complete.with(ArcSet.of(...fetched.map(({ arc }) => arc))),
    pieces: state.pieces.filter((piece) => !isFetched(piece)),
  }
}

/** With all of these points complete, as if they had been fetched. */
export function withComplete(state: JoinState, arcs: ArcSet): JoinState {
  return {
    complete: state.complete.with(arcs),
    pieces: state.pieces.filter(({ arc }) => !ArcSet.of(arc).without(arcs).isEmpty),
  }
}

export function isFetched({ ranges }: JoinPiece): boolean {
  return ranges.every(({ done }) => done)
}

/** Whether nothing of it has been fetched yet. */
export function isUntouched({ ranges }: JoinPiece): boolean {
  return ranges.every(({ done, after }) => !done && after === undefined)
}

export function isSameArc(a: SwarmArc, b: SwarmArc): boolean {
  return a.first === b.first && a.last === b.last
}

/** Tells of accounts whether they belong to what was asked for. */
export function rangeTest(
  arc: SwarmArc,
  { first, last }: Pick<JoinRange, 'first' | 'last'>,
): (account: AccountId) => boolean {
  const points = ArcSet.of(arc)
  return (account) => {
    const byte = Number.parseInt(account.slice(2, 4), 16)
    return byte >= first && byte <= last && points.has(swarmSpaceOf(account))
  }
}

/** The part of what this node serves now that it has, 0..1. */
export function completeShare(state: JoinState, own: ArcSet): number {
  if (own.isEmpty) return 1
  const parts = 10_000n
  const complete = Number((own.within(state.complete).size * parts) / own.size) / Number(parts)
  const fetched = state.pieces.reduce((sum, piece) => {
    const points = Number((ArcSet.of(piece.arc).within(own).size * parts) / own.size) / Number(parts)
    return sum + (points * piece.ranges.filter(({ done }) => done).length) / piece.ranges.length
  }, 0)
  return Math.min(1, complete + fetched)
}
