import { type Hex, parseEventLogs } from 'viem'
import {
  accountAt,
  aKeySet,
  contributor,
  createStakingNetwork,
  DAY_S,
  fund,
  type Keys,
  mineAt,
  mined,
  nowS,
  registrationOf,
  STAKE,
  type StakingNetwork,
  signedBy,
} from '../../../../contracts/test/staking-network.ts'
import { type ChainClient, createChainClient } from '../../../../devnet/chain/chain-client.ts'
import { toHex } from '../../../../src/base/bytes.ts'
import type { Clock } from '../../../../src/base/clock.ts'
import { silentLogger } from '../../../../src/base/logger.ts'
import { createMetricsRegistry, type MetricsRegistry } from '../../../../src/base/metrics.ts'
import { exitMessage, liquidateMessage, rewardMessage } from '../../../../src/crypto/bls-messages.ts'
import type { RecordedRewards } from '../../../../src/protocol/peer-api/node-record.ts'
import { rewardRatePoolAbi, serviceNodeRewardsAbi } from '../../../../src/staking/abi.ts'
import { createStakingMetrics } from '../../../../src/staking/metrics.ts'
import { defaultStakingOptions, type StakingOptions } from '../../../../src/staking/options.ts'
import { createChainProviders } from '../../../../src/staking/providers.ts'
import { createRewardsMetrics } from '../../../../src/staking/rewards/metrics.ts'
import type { RewardsOptions } from '../../../../src/staking/rewards/options.ts'
import { createRewardsLedger } from '../../../../src/staking/rewards/rewards-ledger.ts'
import type { RewardsLedger } from '../../../../src/staking/rewards/snapshot.ts'
import { aClock } from '../staked-chain.ts'

// A chain with the real contracts, on which members come, go, are liquidated, and are paid by the members' signatures.

export interface RewardsChain extends AsyncDisposable {
  readonly network: StakingNetwork
  /** Keys of all that ever registered, by X | Y. */
  readonly keys: Map<string, Keys>
  register(choice?: { fee?: number; pooled?: boolean; keys?: Keys }): Promise<void>
  /** Members of the contract now. */
  members(): Promise<readonly (Keys & { id: bigint })[]>
  requestExit(id: bigint): Promise<boolean>
  exitAfterWait(id: bigint): Promise<boolean>
  /** With the signatures of all members. */
  remove(id: bigint, how: 'exit' | 'liquidate'): Promise<boolean>
  release(): Promise<void>
  /** Raises the balance of an address to a total that all members sign, and claims it. */
  pay(client: ChainClient, total: bigint): Promise<boolean>
  /** Moves time on and mines a block. */
  passTime(seconds: number): Promise<void>
  /** Mines two blocks, after which all before them is final. */
  finalize(): Promise<void>
  /** What the pool has released and what exits have returned, all in all. */
  brought(): Promise<bigint>
}

/** With four members and a filled pool: a contract with fewer could not be governed. */
export async function createRewardsChain(): Promise<RewardsChain> {
  const network = await createStakingNetwork({ claimThresholdAtomic: 1000n * STAKE })
  const chain = rewardsChainOn(network)
  for (let count = 0; count < 4; count++) await chain.register()
  await network.fundPool(1000n * STAKE)
  return chain
}

/** The same with the members that the contract of `network` has, of whom `keys` are needed for signatures. */
export function rewardsChainOn(network: StakingNetwork, keys = new Map<string, Keys>()): RewardsChain {
  const { owner, operator, other, stranger, rewardsContract, poolContract } = network
  const beneficiary = accountAt(network, 5).address
  const attempt = async (sent: Promise<Hex>): Promise<boolean> => {
    try {
      await mined(stranger, sent)
      return true
    } catch {
      return false
    }
  }
  const members = async () => {
    const [ids, points] = await owner.readContract({ ...rewardsContract, functionName: 'allServiceNodeIDs' })
    return ids.map((id, place) => {
      const { X, Y } = points[place] ?? { X: 0n, Y: 0n }
      const known = keys.get(blsText(X, Y))
      if (known === undefined) throw new Error('A member that this test did not register')
      return { ...known, id }
    })
  }
  return {
    network,
    keys,
    members,
    async register({ fee = 1000, pooled = false, keys: chosen = aKeySet() } = {}) {
      keys.set(toHex(chosen.publicKey), chosen)
      await fund(network, operator, STAKE)
      const first = (STAKE * 4n) / 10n
      const stakes = pooled
        ? [contributor(operator.account.address, first), contributor(other.account.address, STAKE - first, beneficiary)]
        : []
      const [key, proof, params] = registrationOf(network, chosen, operator.account.address, stakes)
      const args = [key, proof, { ...params, fee }, stakes] as const
      await mined(operator, operator.writeContract({ ...rewardsContract, functionName: 'addBLSPublicKey', args }))
    },
    requestExit: (id) =>
      attempt(operator.writeContract({ ...rewardsContract, functionName: 'initiateExitBLSPublicKey', args: [id] })),
    exitAfterWait: (id) =>
      attempt(
        stranger.writeContract({ ...rewardsContract, functionName: 'exitBLSPublicKeyAfterWaitTime', args: [id] }),
      ),
    async remove(id, how) {
      const signers = await members()
      const leaving = signers.find((member) => member.id === id)
      if (leaving === undefined || signers.length < 3) return false
      const timestamp = await nowS(network)
      const message = how === 'exit' ? exitMessage : liquidateMessage
      const signature = signedBy(signers, message(network.tags, leaving.publicKey, timestamp), network.tags)
      const functionName =
        how === 'exit' ? 'exitBLSPublicKeyWithSignature' : ('liquidateBLSPublicKeyWithSignature' as const)
      const point = { X: integer(leaving.publicKey.subarray(0, 32)), Y: integer(leaving.publicKey.subarray(32)) }
      const args = [point, BigInt(timestamp), signature, []] as const
      return attempt(stranger.writeContract({ ...rewardsContract, functionName, args }))
    },
    async release() {
      await mined(stranger, stranger.writeContract({ ...poolContract, functionName: 'payoutReleased', gas: 300_000n }))
    },
    async pay(client, total) {
      const address = client.account.address
      const signature = signedBy(await members(), rewardMessage(network.tags, address, total), network.tags)
      const args = [address, total, signature, []] as const
      const updated = await attempt(
        stranger.writeContract({ ...rewardsContract, functionName: 'updateRewardsBalance', args }),
      )
      return updated && (await attempt(client.writeContract({ ...rewardsContract, functionName: 'claimRewards' })))
    },
    async passTime(seconds) {
      await mineAt(network, (await nowS(network)) + seconds)
    },
    async finalize() {
      await owner.mine({ blocks: 2 })
    },
    async brought() {
      const address = [network.rewards, network.pool]
      const logs = await owner.getLogs({ address, fromBlock: 0n, toBlock: 'finalized' })
      const released = parseEventLogs({ abi: rewardRatePoolAbi, logs, eventName: 'FundsReleased' })
      const exits = parseEventLogs({ abi: serviceNodeRewardsAbi, logs, eventName: 'ServiceNodeExit' })
      return (
        released.reduce((sum, { args }) => sum + args.amount, 0n) +
        exits.reduce((sum, { args }) => sum + args.returnedAmount, 0n)
      )
    },
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  }
}

/** A client of one more account of the chain. */
export function clientAt(network: StakingNetwork, place: number): ChainClient {
  return createChainClient(network.anvil, accountAt(network, place).privateKey)
}

export interface TestLedger extends AsyncDisposable {
  readonly ledger: RewardsLedger
  readonly registry: MetricsRegistry
}

/** A ledger that looks at the chain when the test says so, and compares its members each time. */
export async function openLedger(
  { network }: Pick<RewardsChain, 'network'>,
  rpcUrls: readonly string[],
  stateFolder: string,
  overrides: Partial<StakingOptions> & {
    rules?: Partial<RewardsOptions>
    others?: () => readonly RecordedRewards[]
    clock?: Clock
  } = {},
): Promise<TestLedger> {
  const { rules, others = () => [], clock = aClock(), ...rest } = overrides
  const options: StakingOptions = {
    ...defaultStakingOptions,
    chainId: network.anvil.chainId,
    contract: network.rewards,
    rpcUrls,
    epochLengthS: 600,
    stateFolder,
    requestTimeoutMs: 5000,
    backOffMinMs: 0,
    backOffMaxMs: 0,
    ...rest,
    rewards: {
      ...defaultStakingOptions.rewards,
      periodS: DAY_S,
      intervalMs: 3_600_000,
      reconcileIntervalMs: 0,
      ...rules,
    },
  }
  const registry = createMetricsRegistry()
  const components = { log: silentLogger, clock, metrics: createStakingMetrics(registry) }
  const providers = createChainProviders(components, options)
  const metrics = createRewardsMetrics(registry)
  const ledger = await createRewardsLedger({ ...components, metrics, providers, others }, options)
  return { ledger, registry, [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose]() }
}

function blsText(X: bigint, Y: bigint): string {
  return X.toString(16).padStart(64, '0') + Y.toString(16).padStart(64, '0')
}

function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`)
}
