import { decodeFunctionResult, encodeFunctionData } from 'viem'
import type { Clock, DurationMs } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import type { Member } from '../../protocol/service-node.ts'
import { serviceNodeRewardsAbi } from '../abi.ts'
import { type Hex, malformed } from '../chain-reply.ts'
import { StakingError } from '../errors.ts'
import { ALL_IDS_CALL, decodeMember, decodeMemberIds, type MemberId, memberCall } from '../member-codec.ts'
import type { StakingOptions } from '../options.ts'
import type { ChainProviders } from '../providers.ts'
import { type AgreedCalls, readAgreedCalls } from './agreed-calls.ts'
import type { SignatureOptions } from './options.ts'

/** The contract as signers and collectors look at it, by the word of enough providers. */
export interface ContractReader {
  /** Whether it is paused at the newest final block; from memory for a while. Undefined when nobody can tell. */
  paused(): Promise<boolean | undefined>
  /** Everyone in it at the newest block, and how many of them need not sign. @throws {StakingError} PROVIDERS_…, MEMBERS_TOO_MANY */
  signers(signal: AbortSignal): Promise<ContractSigners>
  /** A member at the newest block; undefined when there is none of this id. @throws {StakingError} PROVIDERS_… */
  member(id: bigint, signal: AbortSignal): Promise<Member | undefined>
}

export interface ContractSigners {
  /** Ascending by id. */
  readonly members: readonly MemberId[]
  /** More non-signers than this, and the contract refuses. */
  readonly nonSignersMax: number
}

export type ContractReaderOptions = Pick<StakingOptions, 'contract' | 'membersMax'> &
  Pick<SignatureOptions, 'contractReadMs'>

/** After a failure nobody is asked for this long: requests of other members must not become requests to providers. */
const FAILURE_REST_MS: DurationMs = 5_000
const READ_TIMEOUT_MS: DurationMs = 15_000

const PAUSED_CALL: Hex = encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'paused' })
const THRESHOLD_CALL: Hex = encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'blsNonSignerThreshold' })

export function createContractReader(
  { providers, clock }: { providers: ChainProviders; clock: Clock },
  { contract, membersMax, contractReadMs }: ContractReaderOptions,
): ContractReader {
  const read = (tag: 'finalized' | 'latest', calls: readonly Hex[], signal: AbortSignal): Promise<AgreedCalls> =>
    readAgreedCalls(providers, tag, { contract, calls, about: 'the state of the contract' }, signal)
  let known: { readonly paused: boolean | undefined; readonly untilMs: DurationMs } | undefined
  let reading: Promise<boolean | undefined> | undefined

  const readPaused = async (): Promise<boolean | undefined> => {
    try {
      const { results } = await read('finalized', [PAUSED_CALL], withDeadline(READ_TIMEOUT_MS))
      const paused = decodePaused(results[0])
      known = { paused, untilMs: clock.monotonicMs() + contractReadMs }
      return paused
    } catch (error) {
      if (!(error instanceof StakingError)) throw error
      known = { paused: undefined, untilMs: clock.monotonicMs() + FAILURE_REST_MS }
      return undefined
    } finally {
      reading = undefined
    }
  }

  return {
    async paused() {
      if (known !== undefined && clock.monotonicMs() < known.untilMs) return known.paused
      reading ??= readPaused()
      return reading
    },
    async signers(signal) {
      const { results } = await read('latest', [ALL_IDS_CALL, THRESHOLD_CALL], signal)
      const members = decodeMemberIds(results[0] ?? '0x', membersMax)
      return { members, nonSignersMax: decodeThreshold(results[1]) }
    },
    async member(id, signal) {
      const { results } = await read('latest', [memberCall(id)], signal)
      return decodeMember(id, results[0] ?? '0x')
    },
  }
}

function decodePaused(data: Hex = '0x'): boolean {
  return decoded(() => decodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName: 'paused', data }))
}

function decodeThreshold(data: Hex = '0x'): number {
  const functionName = 'blsNonSignerThreshold'
  return Number(decoded(() => decodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName, data })))
}

/** viem's decoder throws many kinds of errors, and quotes what it read. */
function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch {
    throw malformed('the state of the contract')
  }
}
