import { type DurationMs, SECOND, type TimestampMs } from '../base/clock.ts'
import type { Member } from '../protocol/service-node.ts'
import type { StakingErrorCode } from './errors.ts'
import { isNobodys, isOurs, type NodeKeys, type OwnRegistration } from './own-registration.ts'

/**
 * Where this service node stands in the contract, with a sentence for its operator and the command to run next, if any.
 *
 *     not-registered -> pending-finality -> active -> leaving -> gone
 *
 * key-mismatch and chain-unreachable can come at any time.
 */
export type OwnStakeState = { readonly sentence: string; readonly nextCommand: string | undefined } & (
  | { readonly kind: 'not-registered' }
  /** One of our keys is registered without the other: squatted, or the files of two nodes are mixed. */
  | { readonly kind: 'key-mismatch'; readonly mismatch: KeyMismatch }
  /** In the newest block, but not in a finalized one yet. */
  | { readonly kind: 'pending-finality'; readonly member: Member }
  | { readonly kind: 'active'; readonly member: Member }
  | { readonly kind: 'leaving'; readonly member: Member; readonly dates: LeavingDates }
  /** Was registered and is not any more. */
  | { readonly kind: 'gone'; readonly lastId: bigint }
  | {
      readonly kind: 'chain-unreachable'
      readonly code: StakingErrorCode
      /** What held when the chain was last seen. */
      readonly lastKnown: OwnStakeState | undefined
    }
)

export interface KeyMismatch {
  /** Ids under which the contract knows our keys; undefined where it does not. */
  readonly idOfKey: bigint | undefined
  readonly idOfBls: bigint | undefined
}

export interface LeavingDates {
  readonly requestedMs: TimestampMs
  /** From then on the network signs the exit. */
  readonly unlockMs: TimestampMs
  /** From then on the exit needs nobody's signature. */
  readonly exitUnsignedMs: TimestampMs
}

export interface OwnStakeView {
  readonly keys: NodeKeys
  readonly latest: OwnRegistration
  readonly finalized: OwnRegistration
  /** The id that we had when last seen, if ever. */
  readonly lastId: bigint | undefined
  readonly unlockAfterMs: DurationMs
  readonly exitUnsignedAfterMs: DurationMs
}

/** What the finalized state says counts; the newest only tells what is about to be. */
export function stateOf(view: OwnStakeView): OwnStakeState {
  const { keys, latest, finalized, lastId } = view
  if (isOurs(finalized, keys) && finalized.byKey !== undefined) return memberState(finalized.byKey, view)
  if (!isNobodys(finalized)) return mismatchState(finalized)
  if (isOurs(latest, keys) && latest.byKey !== undefined) return pendingState(latest.byKey)
  if (!isNobodys(latest)) return mismatchState(latest)
  return lastId === undefined ? notRegisteredState() : goneState(lastId)
}

export function unreachableState(code: StakingErrorCode, lastKnown: OwnStakeState | undefined): OwnStakeState {
  const known = lastKnown === undefined ? '' : ` When last seen: ${lowered(lastKnown.sentence)}`
  return {
    kind: 'chain-unreachable',
    code,
    lastKnown,
    // Without the code, which changes while providers rest: a sentence that changes is news.
    sentence: `The chain cannot be read at the moment.${known}`,
    nextCommand: undefined,
  }
}

const REGISTER = 'starling stake register'
const STATUS = 'starling stake status'
const UNSTAKE = 'starling stake unstake'
const SHOW_KEYS = 'starling keys show'

function memberState(member: Member, view: OwnStakeView): OwnStakeState {
  if (member.leaveRequestTimestampS === 0n) {
    const sentence = `This service node is registered under id ${member.id} and its stake is final.`
    return { kind: 'active', member, sentence, nextCommand: undefined }
  }
  const requestedMs = Number(member.leaveRequestTimestampS) * SECOND
  const dates = {
    requestedMs,
    unlockMs: requestedMs + view.unlockAfterMs,
    exitUnsignedMs: requestedMs + view.exitUnsignedAfterMs,
  }
  const sentence =
    `This service node asked to leave on ${date(requestedMs)}. The network signs its exit from ${date(dates.unlockMs)} on; ` +
    `without signatures it can exit from ${date(dates.exitUnsignedMs)} on. Keep it running until then.`
  return { kind: 'leaving', member, dates, sentence, nextCommand: UNSTAKE }
}

function pendingState(member: Member): OwnStakeState {
  const sentence = `The registration under id ${member.id} is on the chain and waits to become final, which can take 20 minutes.`
  return { kind: 'pending-finality', member, sentence, nextCommand: STATUS }
}

function notRegisteredState(): OwnStakeState {
  const sentence = 'This service node is not registered. It waits, and serves as soon as its stake is final.'
  return { kind: 'not-registered', sentence, nextCommand: REGISTER }
}

function goneState(lastId: bigint): OwnStakeState {
  const sentence = `This service node was registered under id ${lastId} and has left. It can be registered anew.`
  return { kind: 'gone', lastId, sentence, nextCommand: REGISTER }
}

function mismatchState({ byKey, byBls }: OwnRegistration): OwnStakeState {
  const mismatch = { idOfKey: byKey?.id, idOfBls: byBls?.id }
  return { kind: 'key-mismatch', mismatch, sentence: mismatchSentence(mismatch), nextCommand: SHOW_KEYS }
}

function mismatchSentence({ idOfKey, idOfBls }: KeyMismatch): string {
  if (idOfBls === undefined) {
    return (
      `The Ed25519 key of this service node is registered under id ${idOfKey} with another BLS key. Either key_bls was replaced: ` +
      'then restore it. Or somebody else registered the key: then create new keys, for this one cannot be used.'
    )
  }
  if (idOfKey === undefined) {
    return (
      `The BLS key of this service node is registered under id ${idOfBls} with another Ed25519 key. ` +
      'key_ed25519 was replaced: restore it from a backup.'
    )
  }
  return (
    `The Ed25519 key of this service node is registered under id ${idOfKey} and its BLS key under id ${idOfBls}. ` +
    'The key files of two service nodes are mixed up.'
  )
}

function date(timestampMs: TimestampMs): string {
  const value = new Date(timestampMs)
  // The contract's integers reach beyond what a date can be.
  return Number.isNaN(value.getTime())
    ? 'an impossible date'
    : `${value.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}
