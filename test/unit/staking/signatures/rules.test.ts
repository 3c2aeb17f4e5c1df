import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../../../src/base/clock.ts'
import type { Member, MembershipEpoch } from '../../../../src/protocol/service-node.ts'
import { defaultSignatureOptions as options } from '../../../../src/staking/signatures/options.ts'
import {
  currentTimestampS,
  isJudged,
  isOverdue,
  type LedgerSnapshot,
  memberOf,
  type RewardRequest,
  refusalOfExit,
  refusalOfRegistration,
  refusalOfReward,
  refusalOfTimestamp,
  refusalOfView,
  type SigningView,
} from '../../../../src/staking/signatures/rules.ts'
import { aMember, anEpoch } from '../../swarm/member-lists.ts'

const DAY_S = BigInt(DAY / SECOND)
const NOW_MS = 1_800_000_000_000
const bls = 'ab'.repeat(64)
const member: Member = { ...aMember(1), bls, addedTimestampS: 1000n }

/** The list of one member when its block's time was `blockTimestampS`. */
function epochAt(blockTimestampS: bigint, changes: Partial<Member> = {}): { member: Member; epoch: MembershipEpoch } {
  const changed = { ...member, ...changes }
  return { member: changed, epoch: { ...anEpoch(7, [changed]), blockTimestampS } }
}

const soundView: SigningView = {
  nowMs: NOW_MS,
  epoch: epochAt(2000n).epoch,
  finalizedAgeMs: 20 * MINUTE,
  nextListAgeMs: 15 * MINUTE,
  isDoubted: false,
  isPaused: false,
}

test.each([
  ['all is well', {}, undefined],
  ['there is no list', { epoch: undefined }, 'list-missing'],
  ['no final block has been seen', { finalizedAgeMs: undefined }, 'chain-frozen'],
  ['the newest final block is an hour old', { finalizedAgeMs: HOUR }, undefined],
  ['it is older', { finalizedAgeMs: HOUR + 1 }, 'chain-frozen'],
  ['the list has not been followed by the next for an hour', { nextListAgeMs: HOUR }, undefined],
  ['it has not for longer, though blocks go on', { nextListAgeMs: HOUR + 1 }, 'chain-frozen'],
  ['others have another list', { isDoubted: true }, 'list-doubted'],
  ['the contract cannot be read', { isPaused: undefined }, 'contract-unread'],
  ['the contract is paused', { isPaused: true }, 'paused'],
] as const)('when %s, everything is refused or nothing: %o', (_, changes, refusal) => {
  expect(refusalOfView({ ...soundView, ...changes }, options)).toBe(refusal)
})

test('a node that is told not to sign refuses everything', () => {
  expect(refusalOfView(soundView, { ...options, signs: false })).toBe('signing-off')
})

test('a timestamp is a whole minute within three minutes of the clock', () => {
  const request = (timestampMs: number) => ({ kind: 'exit', bls, timestampS: timestampMs / SECOND }) as const
  const refusal = (timestampMs: number, nowMs = NOW_MS) => refusalOfTimestamp(request(timestampMs), nowMs, options)
  for (const minutes of [-3, -2, -1, 0, 1, 2, 3]) expect(refusal(NOW_MS + minutes * MINUTE)).toBeUndefined()
  for (const minutes of [-4, 4, 60, 600_000]) expect(refusal(NOW_MS + minutes * MINUTE)).toBe('timestamp')
  expect(refusal(NOW_MS, NOW_MS + 3 * MINUTE + 1)).toBe('timestamp')
  expect(refusal(NOW_MS, NOW_MS - 3 * MINUTE - 1)).toBe('timestamp')
  for (const seconds of [-1, 1, 30]) expect(refusal(NOW_MS + seconds * SECOND)).toBe('timestamp')
})

test('at any moment there is one timestamp that everyone who asks takes', () => {
  for (const ms of [0, 1, MINUTE - 1]) expect(currentTimestampS(NOW_MS + ms)).toBe(NOW_MS / SECOND)
  expect(currentTimestampS(NOW_MS + MINUTE)).toBe(NOW_MS / SECOND + 60)
})

test('only who is in the list has a member’s entry', () => {
  const { epoch } = epochAt(2000n)
  expect(memberOf({ kind: 'exit', bls, timestampS: 0 }, epoch)).toEqual(member)
  expect(memberOf({ kind: 'exit', bls: 'cd'.repeat(64), timestampS: 0 }, epoch)).toBeUndefined()
})

test('an exit is signed from 15 days after the request to leave on, by the time of the epoch’s block', () => {
  const refusal = (blockTimestampS: bigint, leaveRequestTimestampS: bigint) => {
    const view = epochAt(blockTimestampS, { leaveRequestTimestampS })
    return refusalOfExit(view.member, view.epoch, options)
  }
  expect(refusal(5000n + 400n * DAY_S, 0n)).toBe('leave-not-requested')
  expect(refusal(5000n, 5000n)).toBe('too-early')
  expect(refusal(5000n + 15n * DAY_S - 1n, 5000n)).toBe('too-early')
  expect(refusal(5000n + 15n * DAY_S, 5000n)).toBeUndefined()
  // A request after the block, as a node with a newer list than its clock would see it.
  expect(refusal(5000n, 6000n)).toBe('too-early')
})

test('a liquidation is due from 22 days after the request on', () => {
  const overdue = (blockTimestampS: bigint, leaveRequestTimestampS: bigint) => {
    const view = epochAt(blockTimestampS, { leaveRequestTimestampS })
    return isOverdue(view.member, view.epoch, options)
  }
  expect(overdue(5000n + 22n * DAY_S - 1n, 5000n)).toBe(false)
  expect(overdue(5000n + 22n * DAY_S, 5000n)).toBe(true)
  expect(overdue(5000n + 400n * DAY_S, 0n)).toBe(false)
})

test('a registration is judged when it is a day old, and liquidated when nobody signed it', () => {
  const judged = (blockTimestampS: bigint) => {
    const view = epochAt(blockTimestampS)
    return isJudged(view.member, view.epoch, options)
  }
  expect(judged(1000n + DAY_S - 1n)).toBe(false)
  expect(judged(1000n + DAY_S)).toBe(true)
  expect(refusalOfRegistration('unsigned')).toBeUndefined()
  expect(refusalOfRegistration('signed')).toBe('not-liquidatable')
  expect(refusalOfRegistration('no-event')).toBe('not-liquidatable')
  expect(refusalOfRegistration(undefined)).toBe('registration-unread')
})

const recipient = `0x${'cd'.repeat(20)}` as const
const request: RewardRequest = { kind: 'reward', recipient, index: 8, totalAtomic: 500n }

function ledger(current: LedgerSnapshot | undefined, previous?: LedgerSnapshot, disagrees = false) {
  return { current: () => current, previous: () => previous, disagrees: () => disagrees }
}

const snapshot = (index: number, totalAtomic: bigint) => ({ index, totals: new Map([[recipient, totalAtomic]]) })

test('a reward is signed when both ledgers have the same total at the same place', () => {
  expect(refusalOfReward(request, ledger(snapshot(8, 500n)))).toBeUndefined()
  expect(refusalOfReward(request, ledger(snapshot(9, 600n), snapshot(8, 500n)))).toBeUndefined()
  expect(refusalOfReward(request, ledger(snapshot(8, 501n)))).toBe('ledger-total')
  expect(refusalOfReward(request, ledger(snapshot(9, 500n)))).toBe('ledger-index')
  expect(refusalOfReward(request, ledger(snapshot(7, 500n), snapshot(6, 500n)))).toBe('ledger-index')
  expect(refusalOfReward(request, ledger(snapshot(8, 500n), undefined, true))).toBe('ledger-doubted')
  expect(refusalOfReward(request, ledger(undefined))).toBe('ledger-missing')
  expect(refusalOfReward(request, undefined)).toBe('ledger-missing')
})

test('nothing is signed for who has nothing', () => {
  const other = { ...request, recipient: `0x${'ee'.repeat(20)}`, totalAtomic: 0n } as const
  expect(refusalOfReward(other, ledger(snapshot(8, 500n)))).toBe('ledger-total')
})
