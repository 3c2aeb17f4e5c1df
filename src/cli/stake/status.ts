import { MINUTE } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import { readKeyFiles } from '../../node/key-files.ts'
import type { Member } from '../../protocol/service-node.ts'
import { readOwnStake } from '../../staking/own-stake.ts'
import type { LeavingDates, OwnStakeState } from '../../staking/own-stake-state.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { keysFolderOf } from '../keys/options.ts'
import { chainOptionsOf, connectToChain, nodeKeysOf } from './chain.ts'
import type { ChainArgs } from './options.ts'

const TIMEOUT_MS = MINUTE

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

/** Where this service node stands in the contract. */
export async function stakeStatus(args: ChainArgs): Promise<CommandOutcome> {
  const keys = nodeKeysOf(await readKeyFiles(keysFolderOf(args)))
  const options = chainOptionsOf(args)
  const signal = withDeadline(TIMEOUT_MS)
  const providers = await connectToChain(options, signal)
  const state = await readOwnStake(providers, { ...options, ...keys, lastId: undefined }, signal)
  const next = state.nextCommand === undefined ? [] : [`Next: ${state.nextCommand}`]
  return { result: resultOf(state), lines: [state.sentence, ...next], exitCode: EXIT_CODES[state.kind] }
}

function resultOf(state: OwnStakeState): Readonly<Record<string, unknown>> {
  return {
    state: state.kind,
    sentence: state.sentence,
    nextCommand: state.nextCommand ?? null,
    ...('member' in state ? { member: memberResult(state.member) } : {}),
    ...('dates' in state ? { dates: datesResult(state.dates) } : {}),
  }
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

function datesResult({ requestedMs, unlockMs, exitUnsignedMs }: LeavingDates): Readonly<Record<string, unknown>> {
  return { requestedMs, unlockMs, exitUnsignedMs }
}
