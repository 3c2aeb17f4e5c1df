import { startAnvil } from '../devnet/chain/anvil.ts'
import { createChainClient } from '../devnet/chain/chain-client.ts'
import { deployStaking } from '../devnet/chain/deployment.ts'
import { placeMulticall } from '../devnet/chain/multicall.ts'
import { manySeedMembers } from '../devnet/chain/seed-members.ts'
import { serviceNodeRewardsAbi } from '../src/staking/abi.ts'
import { defaultStakingOptions } from '../src/staking/options.ts'
import type { MembershipSettings } from './membership-process.ts'

/** A chain with the real contract and as many members as asked for. */
export interface SeededChain extends AsyncDisposable {
  /** For a node with two providers, which are the same chain. */
  readonly settings: Omit<MembershipSettings, 'stateFolder'>
  placeMulticall(): Promise<void>
  requestExit(id: bigint): Promise<void>
  /** Moves the chain past an epoch and makes that final. Returns the number of a block after it. */
  passEpoch(): Promise<number>
}

const EPOCH_S = 600
/** The chain begins so long ago that it never comes into the future. */
const AGE_S = 2 * 86_400

export async function startSeededChain(members: number): Promise<SeededChain> {
  const genesisTimestampS = Math.floor(Date.now() / 1000) - AGE_S
  const anvil = await startAnvil({ accountCount: 2, genesisTimestampS })
  const [owner, operator] = anvil.accounts.map(({ privateKey }) => createChainClient(anvil, privateKey))
  if (owner === undefined || operator === undefined) throw new Error('anvil has accounts')
  const seedMembers = manySeedMembers(members, operator.account.address)
  const { rewards, chainId } = await deployStaking(owner, { seedMembers })
  return {
    settings: {
      ...{ chainId, contract: rewards, epochLengthS: EPOCH_S },
      rpcUrls: [anvil.rpcUrl, `${anvil.rpcUrl}/?second`],
    },
    placeMulticall: () => placeMulticall(owner, defaultStakingOptions.multicall),
    async requestExit(id) {
      const call = { address: rewards, abi: serviceNodeRewardsAbi, functionName: 'initiateExitBLSPublicKey' } as const
      const hash = await operator.writeContract({ ...call, args: [id] })
      await operator.waitForTransactionReceipt({ hash })
    },
    async passEpoch() {
      const { timestamp } = await owner.getBlock()
      const boundary = (timestamp / BigInt(EPOCH_S) + 1n) * BigInt(EPOCH_S)
      await owner.setNextBlockTimestamp({ timestamp: boundary + 5n })
      await owner.mine({ blocks: 3 })
      return Number(await owner.getBlockNumber()) - 2
    },
    [Symbol.asyncDispose]: () => anvil[Symbol.asyncDispose](),
  }
}
