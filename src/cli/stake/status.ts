import { type DurationMs, MINUTE, systemClock } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import { readKeyFiles } from '../../node/key-files.ts'
import type { Member } from '../../protocol/service-node.ts'
import type { Hex } from '../../staking/chain-reply.ts'
import { told } from '../../staking/contract-errors.ts'
import { StakingError } from '../../staking/errors.ts'
import { readJournals } from '../../staking/operator/journal.ts'
import type { JournalEntry } from '../../staking/operator/journal-entry.ts'
import { fateOf } from '../../staking/operator/receipts.ts'
import { createOperatorView } from '../../staking/operator-account.ts'
import type { KeyMismatch, OwnStakeState } from '../../staking/own-stake-state.ts'
import type { ChainProviders } from '../../staking/providers.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { connectToChain, nodeKeysOf, type StakeSettings, settingsOf, usableUrl } from './chain.ts'
import type { ChainArgs } from './options.ts'
import { finalOwnStake } from './own-stake.ts'
import { countdown, transactionResult } from './presentation.ts'

const TIMEOUT_MS: DurationMs = MINUTE
/** Enough to see what the last commands did. */
const TRANSACTIONS_SHOWN = 5

/** A script can tell from the exit code alone whether this node may serve. */
const EXIT_CODES: Readonly<Record<OwnStakeState['kind'], ExitCode>> = {
  active: EXIT.ok,
  leaving: EXIT.ok,
  'pending-finality': EXIT.tryLater,
  'not-registered': EXIT.stake,
  gone: EXIT.stake,
  'key-mismatch': EXIT.failure,
  'chain-unreachable': EXIT.chain,
}

/** Where this service node stands in the contract, and what became of the transactions that were signed here. */
export async function stakeStatus(args: ChainArgs): Promise<CommandOutcome> {
  const settings = settingsOf(args)
  const keys = nodeKeysOf(await readKeyFiles(settings.keysFolder))
  const signal = withDeadline(TIMEOUT_MS)
  const providers = await connectToChain(settings.chain, signal)
  const state = await finalOwnStake(providers, settings, keys, signal)
  // Where the stake stands is worth knowing when what was signed here is not.
  const { transactions, fault } = await readTransactions(settings, providers).then(
    (shown) => ({ transactions: shown, fault: undefined }),
    (error: unknown) => {
      if (!(error instanceof StakingError) || error.code !== 'STATE_FILE_DAMAGED') throw error
      return { transactions: [], fault: error.message }
    },
  )
  const nowMs = systemClock.nowMs()
  return {
    result: { ...stateResult(state, nowMs), transactions: transactions.map(resultOf), journalFault: fault ?? null },
    lines: [
      state.sentence,
      ...dateLines(state, nowMs),
      ...transactions.map(lineOf),
      ...(fault === undefined ? [] : [fault]),
      ...(state.nextCommand === undefined ? [] : [`Next: ${state.nextCommand}`]),
    ],
    exitCode: EXIT_CODES[state.kind],
  }
}

interface ShownTransaction {
  readonly account: Hex
  readonly entry: JournalEntry
  /** Blocks that follow or hold it, in the newest state; 0 while it is in none. */
  readonly confirmations: bigint
}

async function readTransactions(
  { keysFolder, chain }: StakeSettings,
  providers: ChainProviders,
): Promise<readonly ShownTransaction[]> {
  const journals = await readJournals(keysFolder, chain.chainId)
  const shown = journals
    .flatMap(({ account, entries }) => entries.map((entry) => ({ account, entry })))
    .toSorted((a, b) => a.entry.signedAtMs - b.entry.signedAtMs)
    .slice(-TRANSACTIONS_SHOWN)
  if (shown.length === 0) return []
  const rpcUrl = usableUrl(providers, chain)
  const { chain: client } = createOperatorView('0x0000000000000000000000000000000000000000', { ...chain, rpcUrl })
  const head = await told(() => client.getBlockNumber())
  return await Promise.all(
    shown.map(async ({ account, entry }) => {
      const fate = await fateOf(createOperatorView(account, { ...chain, rpcUrl }), entry)
      const isMined = fate.kind === 'mined' || fate.kind === 'refused'
      const mined = isMined ? { minedHash: fate.hash, blockNumber: fate.blockNumber } : {}
      const isGivenUp = entry.outcome === 'dropped' || entry.outcome === 'replaced'
      const outcome = isMined ? fate.kind : isGivenUp ? entry.outcome : 'open'
      const now: JournalEntry = { ...entry, ...mined, outcome }
      const confirmations = isMined && head >= fate.blockNumber ? head - fate.blockNumber + 1n : 0n
      return { account, entry: now, confirmations }
    }),
  )
}

function resultOf({ account, entry, confirmations }: ShownTransaction): Readonly<Record<string, unknown>> {
  return { account, ...transactionResult(entry), confirmations: confirmations.toString(), signedAtMs: entry.signedAtMs }
}

function lineOf({ entry, confirmations }: ShownTransaction): string {
  const hash = entry.minedHash ?? entry.attempts.at(-1)?.hash
  return `${entry.title}: ${OUTCOME_WORDS[entry.outcome](confirmations)} (${hash})`
}

const OUTCOME_WORDS: Readonly<Record<JournalEntry['outcome'], (confirmations: bigint) => string>> = {
  open: () => 'signed, in no block yet; run its command again to go on with it',
  mined: (confirmations) => `done, ${confirmations} confirmations`,
  refused: (confirmations) => `refused by the contract, ${confirmations} confirmations`,
  replaced: () => 'will never be done, for another transaction took its place',
  dropped: () => 'not taken by the RPC provider',
}

function stateResult(state: OwnStakeState, nowMs: number): Readonly<Record<string, unknown>> {
  return {
    state: state.kind,
    sentence: state.sentence,
    nextCommand: state.nextCommand ?? null,
    ...('member' in state ? { member: memberResult(state.member) } : {}),
    ...('upcoming' in state ? { upcoming: state.upcoming ?? null } : {}),
    ...('lastId' in state ? { lastId: state.lastId.toString() } : {}),
    ...('mismatch' in state ? { mismatch: mismatchResult(state.mismatch) } : {}),
    ...('dates' in state
      ? {
          dates: { ...state.dates },
          untilUnlockMs: Math.max(0, state.dates.unlockMs - nowMs),
          untilExitUnsignedMs: Math.max(0, state.dates.exitUnsignedMs - nowMs),
        }
      : {}),
  }
}

function dateLines(state: OwnStakeState, nowMs: number): readonly string[] {
  if (!('dates' in state)) return []
  const { unlockMs, liquidateMs, exitUnsignedMs } = state.dates
  return [
    `The network signs the exit from ${countdown(unlockMs, nowMs)}`,
    `It signs a liquidation too from ${countdown(liquidateMs, nowMs)}`,
    `No signatures are needed from ${countdown(exitUnsignedMs, nowMs)}`,
  ]
}

function memberResult(member: Member): Readonly<Record<string, unknown>> {
  return {
    id: member.id.toString(),
    operator: member.operator,
    stakeAtomic: member.depositAtomic.toString(),
    addedTimestampS: member.addedTimestampS.toString(),
    leaveRequestTimestampS: member.leaveRequestTimestampS.toString(),
  }
}

function mismatchResult({ idOfKey, idOfBls, registration }: KeyMismatch): Readonly<Record<string, unknown>> {
  return { idOfKey: idText(idOfKey), idOfBls: idText(idOfBls), registration: registration ?? null }
}

function idText(id: bigint | undefined): string | null {
  return id?.toString() ?? null
}
