import { type DurationMs, SECOND, type TimestampMs } from '../base/clock.ts'
import type { Member } from '../protocol/service-node.ts'
import type { StakingErrorCode } from './errors.ts'
import { isNobodys, isOurs, type NodeKeys, type OwnRegistration } from './own-registration.ts'
import { defaultSignatureOptions } from './signatures/options.ts'
import type { RegistrationFinding } from './signatures/registration-lookup.ts'

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
  | { readonly kind: 'active'; readonly member: Member; readonly upcoming: Upcoming | undefined }
  | {
      readonly kind: 'leaving'
      readonly member: Member
      readonly dates: LeavingDates
      readonly upcoming: Upcoming | undefined
    }
  /** Was registered and is not any more. */
  | { readonly kind: 'gone'; readonly lastId: bigint }
  | {
      readonly kind: 'chain-unreachable'
      readonly code: StakingErrorCode
      /** What held when the chain was last seen. */
      readonly lastKnown: OwnStakeState | undefined
    }
)

/** What the newest block has and a final one has not yet. Undefined too when nobody looked. */
export type Upcoming = 'exit-request' | 'exit'

export interface KeyMismatch {
  /** Ids under which the contract knows our keys; undefined where it does not. */
  readonly idOfKey: bigint | undefined
  readonly idOfBls: bigint | undefined
  /** The member that has our Ed25519 key. */
  readonly holder: Member | undefined
  /** Whether our Ed25519 key signed its registration; undefined while nobody has looked. */
  readonly registration: RegistrationFinding | undefined
}

export interface LeavingDates {
  readonly requestedMs: TimestampMs
  /** From then on the network signs the exit. */
  readonly unlockMs: TimestampMs
  /** From then on the network signs a liquidation too, which costs a part of the stake. */
  readonly liquidateMs: TimestampMs
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
  /** The newest block's: the contract's waits are measured by blocks. */
  readonly nowMs: TimestampMs
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
const RESTORE_KEYS = 'starling keys restore --from node.backup'

function memberState(member: Member, view: OwnStakeView): OwnStakeState {
  const upcoming = upcomingOf(member, view)
  const soon = upcoming === undefined ? '' : ` ${UPCOMING_SENTENCES[upcoming]}`
  if (member.leaveRequestTimestampS === 0n) {
    const sentence = `This service node is registered under id ${member.id} and its stake is final.${soon}`
    return { kind: 'active', member, upcoming, sentence, nextCommand: upcoming === undefined ? undefined : UNSTAKE }
  }
  const requestedMs = Number(member.leaveRequestTimestampS) * SECOND
  const dates = {
    requestedMs,
    unlockMs: requestedMs + view.unlockAfterMs,
    liquidateMs: requestedMs + defaultSignatureOptions.liquidateAfterMs,
    exitUnsignedMs: requestedMs + view.exitUnsignedAfterMs,
  }
  const sentence = `This service node asked to leave on ${date(requestedMs)}. ${wayOut(dates, view.nowMs)}${soon}`
  return { kind: 'leaving', member, dates, upcoming, sentence, nextCommand: UNSTAKE }
}

function upcomingOf(member: Member, { keys, latest }: OwnStakeView): Upcoming | undefined {
  if (!isOurs(latest, keys)) return isNobodys(latest) ? 'exit' : undefined
  const isAsked = member.leaveRequestTimestampS === 0n && latest.byKey?.leaveRequestTimestampS !== 0n
  return isAsked ? 'exit-request' : undefined
}

const UPCOMING_SENTENCES: Readonly<Record<Upcoming, string>> = {
  'exit-request': 'Its exit request is on the chain and waits to become final, which can take 20 minutes.',
  exit: 'Its exit is on the chain and waits to become final, which can take 20 minutes.',
}

/** What can be done now, and what from when on. */
function wayOut({ unlockMs, liquidateMs, exitUnsignedMs }: LeavingDates, nowMs: TimestampMs): string {
  const unsigned = `without signatures it can exit from ${date(exitUnsignedMs)} on`
  if (nowMs >= exitUnsignedMs)
    return 'It can exit now, without signatures. Take it out before somebody has it liquidated.'
  if (nowMs >= Math.max(unlockMs, liquidateMs))
    return `The network signs its exit now, and a liquidation too, which costs a part of the stake: take it out; ${unsigned}.`
  if (nowMs >= unlockMs)
    return `The network signs its exit now, and from ${date(liquidateMs)} on a liquidation too, which costs a part of the stake; ${unsigned}.`
  return `The network signs its exit from ${date(unlockMs)} on; ${unsigned}. Keep it running until then.`
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
  const sentence = `This service node was registered under id ${lastId} and has left. What it is still owed can be claimed, and it can be registered anew.`
  return { kind: 'gone', lastId, sentence, nextCommand: UNSTAKE }
}

function mismatchState({ byKey, byBls }: OwnRegistration): OwnStakeState {
  return explained({ idOfKey: byKey?.id, idOfBls: byBls?.id, holder: byKey, registration: undefined })
}

/** With what was found out about the registration that our key has: it tells a replaced BLS key from somebody else's doing. */
export function explained(mismatch: KeyMismatch): OwnStakeState {
  const { idOfKey, idOfBls, holder, registration } = mismatch
  const told = (sentence: string, nextCommand = SHOW_KEYS): OwnStakeState => ({
    ...{ kind: 'key-mismatch', mismatch, sentence, nextCommand },
  })
  if (idOfKey === undefined) {
    return told(
      `The BLS key of this service node is registered under id ${idOfBls} with another Ed25519 key. ` +
        'key_ed25519 was replaced: restore it from a backup.',
      RESTORE_KEYS,
    )
  }
  if (idOfBls !== undefined) {
    return told(
      `The Ed25519 key of this service node is registered under id ${idOfKey} and its BLS key under id ${idOfBls}. ` +
        'The key files of two service nodes are mixed up.',
    )
  }
  const taken = `The Ed25519 key of this service node is registered under id ${idOfKey} with another BLS key`
  if (registration === 'signed') {
    return told(`${taken}, and signed that itself: key_bls was replaced. Restore it from a backup.`, RESTORE_KEYS)
  }
  if (registration === 'unsigned' && holder !== undefined) {
    const fromMs = Number(holder.addedTimestampS) * SECOND + defaultSignatureOptions.registrationAgeMs
    return told(
      `${taken}, and did not sign that: somebody else registered it. The network signs a liquidation from ${date(fromMs)} on, which ` +
        'sets the key free and pays who sends it; or create new keys.',
      `starling stake liquidate --node ${idOfKey}`,
    )
  }
  return told(
    `${taken}. Either key_bls was replaced: then restore it. Or somebody else registered the key: then create new keys, for this one cannot be used.`,
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
