import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hex, parseEther } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { type Anvil, type AnvilOptions, startAnvil } from '../../../devnet/chain/anvil.ts'
import { type ChainClient, createChainClient } from '../../../devnet/chain/chain-client.ts'
import { deployStaking, type StakingDeployment } from '../../../devnet/chain/deployment.ts'
import { toHex } from '../../../src/base/bytes.ts'
import type { Clock } from '../../../src/base/clock.ts'
import { type BlsSecretKey, blsPublicKey, generateBlsSecretKey } from '../../../src/crypto/bls.ts'
import { type Ed25519KeyPair, generateEd25519KeyPair } from '../../../src/crypto/keys.ts'
import { type Member, serviceNodeKey } from '../../../src/protocol/service-node.ts'
import { serviceNodeRewardsAbi, stakingTokenAbi } from '../../../src/staking/abi.ts'
import { defaultStakingOptions, type StakingOptions } from '../../../src/staking/options.ts'
import type { NodeKeys } from '../../../src/staking/own-registration.ts'
import { createRegistration, registrationArguments } from '../../../src/staking/registration.ts'
import { placeSessionContract, SESSION_CHAIN_ID } from './session-contract.ts'

// A local chain with the real contracts, on which service nodes register with real keys and transactions.

export const STAKE = 25_000_000_000_000n

export interface TestNode {
  readonly ed25519: Ed25519KeyPair
  readonly blsSecretKey: BlsSecretKey
  readonly keys: NodeKeys
}

export interface StakedChain extends AsyncDisposable {
  readonly anvil: Anvil
  readonly staking: StakingDeployment
  readonly client: ChainClient
  /** A new account with tokens and ether. */
  fundedAccount(funds?: { tokens?: bigint; wei?: bigint }): Promise<{ privateKey: Hex; address: Hex }>
  /**
   * Registers in a block of its own, and returns the member as the contract must hold it. Without the right signature of its Ed25519
   * key, which the contract does not look at, when `isSigned` is false.
   */
  register(node: TestNode, options?: { readonly isSigned: boolean }): Promise<Member>
  requestExit(id: bigint): Promise<bigint>
  /** Mines two blocks, after which all before them is final. */
  finalize(): Promise<void>
  /** Mines one block with this timestamp. */
  mineAt(timestampS: bigint): Promise<void>
  latestTimestampS(): Promise<bigint>
}

export function aNode(overrides: Partial<Pick<TestNode, 'ed25519' | 'blsSecretKey'>> = {}): TestNode {
  const ed25519 = overrides.ed25519 ?? generateEd25519KeyPair()
  const blsSecretKey = overrides.blsSecretKey ?? generateBlsSecretKey()
  const keys = { key: serviceNodeKey(ed25519.publicKey), bls: toHex(blsPublicKey(blsSecretKey)) }
  return { ed25519, blsSecretKey, keys }
}

export interface StakedChainOptions extends Pick<AnvilOptions, 'genesisTimestampS'> {
  /** Whether the contract stands where Session's does, on a chain of the same id. */
  readonly isSessions?: boolean
}

export async function createStakedChain({
  isSessions = false,
  ...options
}: StakedChainOptions = {}): Promise<StakedChain> {
  const anvil = await startAnvil({ accountCount: 2, ...options, ...(isSessions ? { chainId: SESSION_CHAIN_ID } : {}) })
  const [owner, operator] = anvil.accounts
  if (owner === undefined || operator === undefined) throw new Error('anvil has accounts')
  const client = createChainClient(anvil, owner.privateKey)
  const operatorClient = createChainClient(anvil, operator.privateKey)
  const deployed = await deployStaking(client, { startsEmpty: true })
  const staking = isSessions ? { ...deployed, rewards: await placeSessionContract(client, deployed) } : deployed
  const token = { address: staking.token, abi: stakingTokenAbi } as const
  const rewards = { address: staking.rewards, abi: serviceNodeRewardsAbi } as const
  const mined = async (hash: Promise<Hex>) => {
    const receipt = await client.waitForTransactionReceipt({ hash: await hash })
    if (receipt.status !== 'success') throw new Error('A transaction of the test failed')
    return receipt
  }
  await mined(client.writeContract({ ...token, functionName: 'transfer', args: [operator.address, STAKE * 100n] }))
  await mined(
    operatorClient.writeContract({ ...token, functionName: 'approve', args: [staking.rewards, STAKE * 100n] }),
  )

  return {
    anvil,
    staking,
    client,
    async fundedAccount({ tokens = STAKE, wei = parseEther('1') } = {}) {
      const privateKey = generatePrivateKey()
      const address = privateKeyToAddress(privateKey)
      if (wei > 0n) await client.setBalance({ address, value: wei })
      if (tokens > 0n)
        await mined(client.writeContract({ ...token, functionName: 'transfer', args: [address, tokens] }))
      return { privateKey, address }
    },
    async register({ ed25519, blsSecretKey, keys }, { isSigned } = { isSigned: true }) {
      const { serviceNodeParams, ...registration } = createRegistration({
        ...{ chainId: anvil.chainId, contract: staking.rewards, operator: operator.address },
        ...{ ed25519, blsSecretKey, feeBasisPoints: 0 },
      })
      const { serviceNodeSignature2 } = serviceNodeParams
      const given = isSigned ? serviceNodeSignature2 : serviceNodeSignature2 ^ 1n
      const params = { ...serviceNodeParams, serviceNodeSignature2: given }
      const args = registrationArguments({ ...registration, serviceNodeParams: params })
      const { blockNumber } = await mined(
        operatorClient.writeContract({ ...rewards, functionName: 'addBLSPublicKey', args }),
      )
      const { timestamp } = await client.getBlock({ blockNumber })
      const id = await client.readContract({
        ...rewards,
        functionName: 'ed25519ToServiceNodeID',
        args: [BigInt(`0x${keys.key}`)],
      })
      return {
        id,
        ...keys,
        operator: operator.address.toLowerCase() as Hex,
        addedTimestampS: timestamp,
        leaveRequestTimestampS: 0n,
        depositAtomic: STAKE,
      }
    },
    async requestExit(id) {
      const { blockNumber } = await mined(
        operatorClient.writeContract({ ...rewards, functionName: 'initiateExitBLSPublicKey', args: [id] }),
      )
      return (await client.getBlock({ blockNumber })).timestamp
    },
    async finalize() {
      await client.mine({ blocks: 2 })
    },
    async mineAt(timestamp) {
      await client.setNextBlockTimestamp({ timestamp })
      await client.mine({ blocks: 1 })
    },
    async latestTimestampS() {
      return (await client.getBlock()).timestamp
    },
    [Symbol.asyncDispose]: () => anvil[Symbol.asyncDispose](),
  }
}

/** Options for a test: it decides itself when the chain is looked at. */
export function testStakingOptions(
  chain: Pick<StakedChain, 'anvil' | 'staking'>,
  rpcUrls: readonly string[],
  stateFolder: string,
): StakingOptions {
  return {
    ...defaultStakingOptions,
    chainId: chain.anvil.chainId,
    contract: chain.staking.rewards,
    rpcUrls,
    epochLengthS: 100,
    stateFolder,
    pollIntervalMs: 3_600_000,
    ownStakeIntervalMs: 3_600_000,
    requestTimeoutMs: 5000,
  }
}

export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'starling-staking-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A clock that moves when told to. */
export function aClock(): Clock & { advance(ms: number): void } {
  let ms = Date.now()
  return {
    nowMs: () => ms,
    monotonicMs: () => ms,
    advance: (by) => {
      ms += by
    },
  }
}
