import { MINUTE, SECOND, type TimestampMs } from '../../base/clock.ts'
import type { SignatureRefusal, SignatureRequest } from '../../protocol/peer-api/signature-request.ts'
import type { Member, MembershipEpoch } from '../../protocol/service-node.ts'
import type { SignatureOptions } from './options.ts'
import type { RegistrationFinding } from './registration-lookup.ts'

// When a member signs for the staking contract: pure rules over final state, the same on every honest node, so that no vote is
// needed (docs/staking.md, "How a stake comes back"). The contract checks none of them: a signature is all that it asks for.

export type RemovalRequest = Extract<SignatureRequest, { kind: 'exit' | 'liquidate' }>
export type RewardRequest = Extract<SignatureRequest, { kind: 'reward' }>

/** What a signer knows of the chain, and how far it trusts it. */
export interface SigningView {
  readonly nowMs: TimestampMs
  /** The newest agreed list. */
  readonly epoch: MembershipEpoch | undefined
  readonly finalizedAgeMs: number | undefined
  /**
   * How long ago the epoch after that list ended: its list is final about when the newest final block is as old as that. Blocks may
   * go on while providers disagree about the list.
   */
  readonly nextListAgeMs: number
  /** Whether more than a third of the others have another list. */
  readonly isDoubted: boolean
  /** Undefined when nobody could tell. */
  readonly isPaused: boolean | undefined
}

/** A view on which something may be signed. */
export type SoundView = SigningView & { readonly epoch: MembershipEpoch }

/** Why nothing at all is signed now. */
export function refusalOfView(view: SigningView, options: SignatureOptions): SignatureRefusal | undefined {
  if (!options.signs) return 'signing-off'
  if (!hasEpoch(view)) return 'list-missing'
  if (view.finalizedAgeMs === undefined || view.finalizedAgeMs > options.finalizedAgeMaxMs) return 'chain-frozen'
  if (view.nextListAgeMs > options.finalizedAgeMaxMs) return 'chain-frozen'
  if (view.isDoubted) return 'list-doubted'
  if (view.isPaused === undefined) return 'contract-unread'
  return view.isPaused ? 'paused' : undefined
}

export function hasEpoch(view: SigningView): view is SoundView {
  return view.epoch !== undefined
}

/**
 * A timestamp is a whole minute, so that there is one message at most for each minute and everyone who wants the same gets the same
 * signature. The contract lets signatures expire and does not bound the future: one from there would remove the node's next registration too.
 */
export function refusalOfTimestamp(
  { timestampS }: RemovalRequest,
  nowMs: TimestampMs,
  { clockToleranceMs }: SignatureOptions,
): SignatureRefusal | undefined {
  const timestampMs = timestampS * SECOND
  if (timestampMs % TIMESTAMP_GRID_MS !== 0) return 'timestamp'
  return Math.abs(timestampMs - nowMs) > clockToleranceMs ? 'timestamp' : undefined
}

export const TIMESTAMP_GRID_MS = MINUTE

/** The newest timestamp that members take. */
export function currentTimestampS(nowMs: TimestampMs): number {
  return (Math.floor(nowMs / TIMESTAMP_GRID_MS) * TIMESTAMP_GRID_MS) / SECOND
}

/** The member whose removal is asked for. */
export function memberOf({ bls }: RemovalRequest, epoch: MembershipEpoch): Member | undefined {
  return epoch.members.find((member) => member.bls === bls)
}

export function refusalOfExit(
  member: Member,
  epoch: MembershipEpoch,
  { unlockAfterMs }: SignatureOptions,
): SignatureRefusal | undefined {
  if (member.leaveRequestTimestampS === 0n) return 'leave-not-requested'
  return hasPassed(member.leaveRequestTimestampS, unlockAfterMs, epoch) ? undefined : 'too-early'
}

/** Whether a liquidation is due however the node was registered: its operator let the time for an exit go by. */
export function isOverdue(member: Member, epoch: MembershipEpoch, { liquidateAfterMs }: SignatureOptions): boolean {
  return member.leaveRequestTimestampS > 0n && hasPassed(member.leaveRequestTimestampS, liquidateAfterMs, epoch)
}

/** Whether the registration matters: it is old enough to be judged. */
export function isJudged(member: Member, epoch: MembershipEpoch, { registrationAgeMs }: SignatureOptions): boolean {
  return hasPassed(member.addedTimestampS, registrationAgeMs, epoch)
}

/** Of a member that is not overdue and old enough: somebody may have registered a key that is not theirs. */
export function refusalOfRegistration(finding: RegistrationFinding | undefined): SignatureRefusal | undefined {
  if (finding === undefined) return 'registration-unread'
  return finding === 'unsigned' ? undefined : 'not-liquidatable'
}

/** What a ledger of rewards must be able to tell. */
export interface SigningLedger {
  current(): LedgerSnapshot | undefined
  /** The snapshot before, for requests that were made just before the current one. */
  previous(): LedgerSnapshot | undefined
  /** Whether it is known to be in doubt. */
  disagrees(): boolean
}

export interface LedgerSnapshot {
  readonly index: number
  /** By address in lower case; nobody is listed with nothing. */
  readonly totals: ReadonlyMap<`0x${string}`, bigint>
}

/** A wrong signature cannot be taken back, for it has no time in it: both sides must have come to the same total. */
export function refusalOfReward(
  { recipient, index, totalAtomic }: RewardRequest,
  ledger: SigningLedger | undefined,
): SignatureRefusal | undefined {
  const current = ledger?.current()
  if (ledger === undefined || current === undefined) return 'ledger-missing'
  if (ledger.disagrees()) return 'ledger-doubted'
  const snapshot = [current, ledger.previous()].find((one) => one?.index === index)
  if (snapshot === undefined) return 'ledger-index'
  const total = snapshot.totals.get(recipient) ?? 0n
  return total > 0n && total === totalAtomic ? undefined : 'ledger-total'
}

/** Measured by the block of the epoch, which is the same for everyone. */
function hasPassed(sinceS: bigint, durationMs: number, { blockTimestampS }: MembershipEpoch): boolean {
  return (blockTimestampS - sinceS) * BigInt(SECOND) >= BigInt(durationMs)
}
