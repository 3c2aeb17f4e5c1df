import { setTimeout as sleep } from 'node:timers/promises'
import { type DurationMs, MINUTE, SECOND, type TimestampMs } from '../../base/clock.ts'
import { CodedError } from '../../base/coded-error.ts'
import { isProviderFault, StakingError } from '../../staking/errors.ts'
import type { CallPurpose } from '../../staking/operator/call.ts'
import { chainTimeMs } from '../../staking/operator/contract-facts.ts'
import { readJournals } from '../../staking/operator/journal.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { claimStep } from './claim.ts'
import { exitStep } from './exit.ts'
import { type MoneySession, openMoneySession } from './money-session.ts'
import type { MoneyContext, MoneyStep } from './money-step.ts'
import type { UnstakeArgs } from './options.ts'
import { ownState } from './own-member.ts'
import { countdown, dateText } from './presentation.ts'
import { requestExitStep } from './request-exit.ts'
import { type RewardFacts, readRewardFacts } from './reward-facts.ts'

/**
 * Where a stake is on its way back, read from the chain each time, so that every run goes on where the last one stopped:
 *
 *     request -> (two weeks) -> exit -> (until the ledger counts the stake as returned) -> claim -> done
 */
type Place =
  /** After the last one, what is left is for another day. */
  | { readonly kind: 'do'; readonly isLast: boolean; readonly step: MoneyStep }
  | { readonly kind: 'wait'; readonly sentence: string; readonly untilMs: TimestampMs | undefined }
  | { readonly kind: 'done'; readonly sentence: string }

/** Between two looks while waiting: the dates are in days, and the ledger counts by day. */
const LOOK_MS: DurationMs = 5 * MINUTE

/** Settles when it is time to look again. */
type Pause = (ms: DurationMs) => Promise<unknown>

/** Does the next step that can be done, and says when the one after it can be. */
export async function unstake(args: UnstakeArgs, pause: Pause = sleep): Promise<CommandOutcome> {
  await using session = await openMoneySession(args)
  const done: CommandOutcome[] = []
  const isPatient = args.wait && args.send
  for (;;) {
    try {
      const place = await placeOf(session, args)
      if (place.kind === 'done') return whole(done, place)
      if (place.kind === 'do') {
        const outcome = await session.perform(place.step)
        done.push(outcome)
        // Only what was sent changes where the stake is.
        if (outcome.result['sent'] !== true || place.isLast) return whole(done, undefined)
        continue
      }
      if (!isPatient) return whole(done, place)
      await waitFor(session, place, pause)
    } catch (error) {
      if (!isPatient || !mayPass(error)) throw error
      await waitFor(session, { sentence: error.message, untilMs: undefined }, pause)
    }
  }
}

/** What one who waits for days anyway waits for too. */
function mayPass(error: unknown): error is CodedError<string> {
  return error instanceof CodedError && ([EXIT.tryLater, EXIT.chain] as readonly number[]).includes(exitCodeOf(error))
}

async function placeOf(session: MoneySession, args: UnstakeArgs): Promise<Place> {
  const context = await session.context()
  const state = await ownState(context)
  switch (state.kind) {
    case 'active':
      return { kind: 'do', isLast: false, step: requestExitStep }
    case 'pending-finality':
      return { kind: 'wait', sentence: state.sentence, untilMs: undefined }
    case 'leaving':
      return await leavingPlace(context, args, state.dates)
    case 'not-registered':
    case 'gone':
      return await claimPlace(context, args)
    case 'key-mismatch':
      throw new StakingError('KEYS_TAKEN', state.sentence)
    case 'chain-unreachable':
      throw new StakingError(state.code, state.sentence)
  }
}

async function leavingPlace(
  { view }: MoneyContext,
  args: UnstakeArgs,
  { unlockMs, exitUnsignedMs }: { readonly unlockMs: TimestampMs; readonly exitUnsignedMs: TimestampMs },
): Promise<Place> {
  const nowMs = await chainTimeMs(view)
  if (nowMs < unlockMs) {
    const sentence = `This service node asked to leave. The network signs its exit from ${countdown(unlockMs, nowMs)}. Keep it running until then.`
    return { kind: 'wait', sentence, untilMs: unlockMs }
  }
  // Signatures are no longer needed then, and one who waited so long may have no members left who give them.
  return { kind: 'do', isLast: false, step: exitStep(args, { isUnsigned: nowMs >= exitUnsignedMs }) }
}

async function claimPlace(context: MoneyContext, args: UnstakeArgs): Promise<Place> {
  const facts = await readRewardFacts(context, args, context.view.address)
  const isStakeToCome = await isStakeStillToCome(context, facts)
  if (facts.claimableAtomic > 0n) {
    // What was earned before can be had at once, and is not the stake yet.
    return { kind: 'do', isLast: !isStakeToCome, step: claimStep({ ...args, amount: undefined }) }
  }
  const owed = (facts.ledger?.totalAtomic ?? facts.recordedAtomic) - facts.claimedAtomic
  const nowMs = await chainTimeMs(context.view)
  if (owed > 0n) {
    const sentence = `All claims of this cycle are paid out. The next begins ${countdown(facts.nextCycleMs, nowMs)}.`
    return { kind: 'wait', sentence, untilMs: facts.nextCycleMs }
  }
  if (facts.ledger === undefined) {
    throw new StakingError('REWARDS_UNKNOWN', `What the network owes this account is unknown: ${facts.ledgerMissing}`)
  }
  if (!isStakeToCome) {
    return { kind: 'done', sentence: 'This service node is not in the contract, and there is nothing to claim.' }
  }
  const sentence =
    'The exit is done. The stake can be claimed once a period of the ledger has ended after it, a day at most; the running node tells when.'
  return { kind: 'wait', sentence, untilMs: undefined }
}

/** Whether this machine took a node of the account out, and the ledger has not counted its stake as returned yet. */
async function isStakeStillToCome({ settings, view }: MoneyContext, { ledger }: RewardFacts): Promise<boolean> {
  const journals = await readJournals(settings.keysFolder, settings.chain.chainId)
  const entries = journals.find(({ account }) => account === view.address.toLowerCase())?.entries ?? []
  const lastOf = (wanted: CallPurpose) =>
    entries.findLastIndex(({ purpose, outcome }) => purpose === wanted && outcome === 'mined')
  const exit = entries[lastOf('exit')]
  if (exit === undefined) return false
  // Session's ledger does not say how far it goes: there, the first claim after the exit is taken for the one.
  if (ledger?.blockNumber === undefined || exit.blockNumber === undefined) return lastOf('exit') > lastOf('claim')
  return ledger.blockNumber < exit.blockNumber
}

/** Says each time it looks how long it still is. A provider that fails is no reason to give up after days. */
async function waitFor(
  session: MoneySession,
  { sentence, untilMs }: { sentence: string; untilMs: TimestampMs | undefined },
  pause: Pause,
): Promise<void> {
  process.stderr.write(`${dateText(Date.now())}: ${sentence}\n`)
  const nowMs = await session.context().then(
    ({ view }) => chainTimeMs(view),
    (error: unknown) => {
      if (!isProviderFault(error)) throw error
      return undefined
    },
  )
  const left = untilMs === undefined || nowMs === undefined ? LOOK_MS : untilMs - nowMs
  await pause(Math.max(SECOND, Math.min(left, LOOK_MS)))
}

/** All steps of one run as one outcome. */
function whole(steps: readonly CommandOutcome[], place: Exclude<Place, { kind: 'do' }> | undefined): CommandOutcome {
  const isWaiting = place?.kind === 'wait'
  return {
    result: {
      outcome: isWaiting ? 'waiting' : (steps.at(-1)?.result['outcome'] ?? 'done'),
      sent: steps.some(({ result }) => result['sent'] === true),
      steps: steps.map(({ result }) => result),
      sentence: place?.sentence ?? null,
      untilMs: (isWaiting ? place.untilMs : undefined) ?? null,
      nextCommand: isWaiting ? 'starling stake unstake' : null,
    },
    lines: [
      ...steps.flatMap(({ lines }) => lines),
      ...(place === undefined ? [] : [place.sentence]),
      ...(isWaiting ? ['Next: starling stake unstake, again then'] : []),
    ],
    ...(isWaiting ? { exitCode: EXIT.tryLater } : {}),
    afterPrinting: async () => {
      for (const { afterPrinting } of steps) await afterPrinting?.()
    },
  }
}
