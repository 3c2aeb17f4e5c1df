import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import type { JsonValue } from '../../protocol/json.ts'
import type { Hex } from '../../staking/chain-reply.ts'
import { StakingError } from '../../staking/errors.ts'
import { defaultStakingOptions } from '../../staking/options.ts'
import { createBlsThread } from '../../staking/signatures/bls-thread.ts'
import { createContractReader } from '../../staking/signatures/contract-reader.ts'
import { defaultSignatureOptions } from '../../staking/signatures/options.ts'
import {
  createServiceNodeRpcSignatureSource,
  defaultServiceNodeRpcOptions,
} from '../../staking/signatures/service-node-rpc.ts'
import type { SignatureSource } from '../../staking/signatures/signature-source.ts'
import { type AdminClient, adminSocketPath, createAdminClient } from '../admin-client.ts'
import { OptionsError } from '../options/check.ts'
import { isSessionContract } from './chain.ts'
import type { MoneyContext } from './money-step.ts'
import type { SignatureArgs } from './options.ts'

/** What the network's ledger promises an account in all. */
export interface LedgerTotal {
  readonly totalAtomic: bigint
  /** The ledger's period, its last block and its root; undefined of Session's, which tells none of them. */
  readonly index: number | undefined
  readonly blockNumber: bigint | undefined
  readonly root: string | undefined
}

/** The running node collects the members' signatures; on Session's contract, one of Session's own nodes does. */
export function signatureSourceOf(args: SignatureArgs, context: MoneyContext): SignatureSource {
  const urls = sessionNodesOf(args, context)
  return urls === undefined ? runningNode(context) : sessionSource(urls, context)
}

/** @throws {OptionsError} OPTION_INVALID: no node of ours can collect what Session's members sign */
function sessionNodesOf(args: SignatureArgs, { settings }: MoneyContext): readonly string[] | undefined {
  const urls = args['signatures-from']?.map(String)
  if (urls !== undefined || !isSessionContract(settings.chain)) return urls
  const message =
    "Members of Session's contract sign for Session's nodes only: --signatures-from must name one, such as https://seed1.getsession.org/json_rpc"
  throw new OptionsError('OPTION_INVALID', message)
}

/**
 * @throws {AdminClientError} NODE_NOT_RUNNING
 * @throws {StakingError} REWARDS_UNKNOWN, SIGNATURE_ANSWER_WRONG, …
 */
export async function ledgerTotalOf(args: SignatureArgs, context: MoneyContext, recipient: Hex): Promise<LedgerTotal> {
  if (sessionNodesOf(args, context) !== undefined) {
    const source = signatureSourceOf(args, context)
    const { totalAtomic } = await source.collect({ kind: 'reward', recipient }, context.signal)
    if (totalAtomic === undefined) throw new StakingError('SIGNATURE_ANSWER_WRONG', 'The signature has no total')
    return { totalAtomic, index: undefined, blockNumber: undefined, root: undefined }
  }
  const { total, index, block, root } = await runningNode(context).rewards(recipient, context.signal)
  const [totalAtomic, blockNumber] = [wholeNumber(total), wholeNumber(block)]
  if (totalAtomic === undefined || typeof index !== 'number') {
    throw new StakingError('REWARDS_UNKNOWN', "The running node's answer is no total")
  }
  return { totalAtomic, index, blockNumber, root: typeof root === 'string' ? root : undefined }
}

function wholeNumber(value: JsonValue | undefined): bigint | undefined {
  return typeof value === 'string' && /^[0-9]{1,78}$/.test(value) ? BigInt(value) : undefined
}

export function runningNode({ settings }: Pick<MoneyContext, 'settings'>): AdminClient {
  return createAdminClient({ socketPath: adminSocketPath(settings.dataFolder) })
}

function sessionSource(serviceNodeUrls: readonly string[], { settings, providers }: MoneyContext): SignatureSource {
  return {
    async collect(subject, signal) {
      await using bls = createBlsThread({ log: silentLogger }, defaultSignatureOptions)
      const { chainId, contract: address } = settings.chain
      const reading = { contract: address, membersMax: defaultStakingOptions.membersMax, ...defaultSignatureOptions }
      const contract = createContractReader({ providers, clock: systemClock }, reading)
      const source = createServiceNodeRpcSignatureSource(
        { clock: systemClock, contract, bls },
        { chainId, contract: address, serviceNodeUrls, ...defaultServiceNodeRpcOptions },
      )
      return await source.collect(subject, signal)
    },
  }
}
