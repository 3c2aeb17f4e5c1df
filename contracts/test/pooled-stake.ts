import { type Abi, type AbiEvent, type Hex, parseEventLogs } from 'viem'
import type { ChainClient } from '../../devnet/chain/chain-client.ts'
import { blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import { proofOfPossessionMessage } from '../../src/crypto/bls-messages.ts'
import { serviceNodeContributionAbi, serviceNodeRewardsAbi, stakingTokenAbi } from '../../src/staking/abi.ts'
import { aKeySet, integerOf, type Keys, mined, STAKE, type StakingNetwork, signedBy } from './staking-network.ts'

// A stake that several pay, made by the network's factory.

/** By the numbers that status() gives. */
export const STATUS = { waitForOperator: 0, open: 1, waitForFinalized: 2, finalized: 3 } as const
export const QUARTER = STAKE / 4n
export const NOBODY: Hex = '0x0000000000000000000000000000000000000000'

export interface Reserved {
  readonly addr: Hex
  readonly amount: bigint
}

export interface Terms {
  readonly keys: Keys
  readonly fee: number
  readonly reserved: readonly Reserved[]
  readonly manualFinalize: boolean
}

/** A contract of a pooled stake, with the keys that it is to register. */
export interface PooledStake extends Keys {
  readonly address: Hex
  readonly contract: { readonly address: Hex; readonly abi: typeof contributionAbi }
}

/** With the errors of the contracts that it calls, which come through as they are. */
export const contributionAbi = [
  ...serviceNodeContributionAbi,
  ...serviceNodeRewardsAbi.filter((item) => item.type === 'error' && item.name !== 'MaxContributorsExceeded'),
  ...stakingTokenAbi.filter((item) => item.type === 'error'),
] as const

/** The arguments of deploy() by which `operator` offers a stake on these terms. */
export function termsOf(network: StakingNetwork, operator: Hex, overrides: Partial<Terms> = {}) {
  const { keys = aKeySet(), fee = 500, reserved = [], manualFinalize = false } = overrides
  const message = proofOfPossessionMessage(network.tags, keys.publicKey, operator, keys.ed25519)
  return [
    blsPublicKeyParameter(keys.publicKey),
    signedBy([keys], message, network.tags),
    { serviceNodePubkey: integerOf(keys.ed25519), serviceNodeSignature1: 1n, serviceNodeSignature2: 2n, fee },
    reserved,
    manualFinalize,
  ] as const
}

/** Makes a contract through the factory. */
export async function deployPool(
  network: StakingNetwork,
  overrides: Partial<Terms> = {},
  operator: ChainClient = network.operator,
): Promise<PooledStake> {
  const keys = overrides.keys ?? aKeySet()
  const args = termsOf(network, operator.account.address, { ...overrides, keys })
  const call = { ...network.factoryContract, functionName: 'deploy', args } as const
  const receipt = await mined(operator, operator.writeContract(call))
  const [event] = parseEventLogs({
    abi: network.factoryContract.abi,
    logs: receipt.logs,
    eventName: 'NewServiceNodeContributionContract',
  })
  if (event === undefined) throw new Error('The factory made nothing')
  const address = event.args.contributorContract
  return { ...keys, address, contract: { address, abi: contributionAbi } }
}

/** Gives each client plenty of tokens that the contract may take. */
export async function allow(network: StakingNetwork, to: Hex, clients: readonly ChainClient[]): Promise<void> {
  const { owner, tokenContract } = network
  for (const client of clients) {
    const amount = 4n * STAKE
    const give = { ...tokenContract, functionName: 'transfer', args: [client.account.address, amount] } as const
    await mined(owner, owner.writeContract(give))
    await mined(client, client.writeContract({ ...tokenContract, functionName: 'approve', args: [to, amount] }))
  }
}

export function contribution({ contract }: PooledStake, amount: bigint, beneficiary: Hex = NOBODY) {
  return { ...contract, functionName: 'contributeFunds', args: [amount, beneficiary] } as const
}

export async function contribute(client: ChainClient, pool: PooledStake, amount: bigint, beneficiary?: Hex) {
  return await mined(client, client.writeContract(contribution(pool, amount, beneficiary)))
}

/** A call without arguments. */
export function plainCall({ contract }: PooledStake, functionName: 'withdrawContribution' | 'reset' | 'finalize') {
  return { ...contract, functionName } as const
}

export async function send(client: ChainClient, pool: PooledStake, name: Parameters<typeof plainCall>[1]) {
  return await mined(client, client.writeContract(plainCall(pool, name)))
}

/** The events of one contract in a receipt, as [name, arguments]. */
export function eventsOf(
  { logs }: Pick<Awaited<ReturnType<typeof mined>>, 'logs'>,
  { address, abi }: { readonly address: Hex; readonly abi: Abi },
) {
  const own = logs.filter((log) => log.address.toLowerCase() === address.toLowerCase())
  const events: AbiEvent[] = abi.filter((item) => item.type === 'event')
  return parseEventLogs({ abi: events, logs: own }).map(({ eventName, args }) => [eventName, args] as const)
}
