import type { Hex } from 'viem'
import { defaultStakingOptions } from '../contracts/deployment/network-parameters.ts'
import { SECOND, systemClock } from '../src/base/clock.ts'
import { createKeyFiles, type ServiceNodeKeys } from '../src/node/key-files.ts'
import { stakingTokenAbi } from '../src/staking/abi.ts'
import { createMemoryJournal } from '../src/staking/operator/journal.ts'
import { sendCall } from '../src/staking/operator/sender.ts'
import { createOperatorAccount } from '../src/staking/operator-account.ts'
import { createRegistration } from '../src/staking/registration.ts'
import { prepareRegistration } from '../src/staking/stake-registration.ts'
import { type Anvil, startAnvil } from './chain/anvil.ts'
import { type ChainClient, createChainClient } from './chain/chain-client.ts'
import { deployStaking, type StakingDeployment } from './chain/deployment.ts'
import type { DevnetOptions } from './options.ts'
import type { Reporter } from './reporter.ts'

/** What a provider on loopback may take and send. */
const CHAIN_LIMITS = { requestTimeoutMs: 20 * SECOND, replyMaxBytes: 4 * 1024 * 1024 }
/** Tokens of the reward pool, once there are members. */
const POOL_SHARE = 1_000n

export interface Operator {
  readonly keys: ServiceNodeKeys
  readonly keysFolder: string
  /** Pays the stake. */
  readonly privateKey: Hex
}

/** A local chain with the staking contracts on it. */
export interface StakingChain extends AsyncDisposable {
  readonly anvil: Anvil
  readonly deployment: StakingDeployment
  /** Makes keys in the folder and gives them an operator with ether and one stake's worth of tokens. */
  createOperator(keysFolder: string): Promise<Operator>
  /** Stakes by real transactions, as `starling stake register` does. */
  register(operator: Operator): Promise<void>
  /** Marks what the chain holds now; what is returned undoes all that came after, once. */
  mark(): Promise<() => Promise<void>>
  /** From now on a block comes each second, as epochs need, and not with each transaction. */
  mineBySeconds(): Promise<void>
  /** Mines a block with this time, Unix seconds, from which on the chain's clock goes on. */
  travelTo(timestampS: number): Promise<void>
  /** Gives the reward pool its tokens; not before there are members enough. */
  fundPool(): Promise<void>
}

export async function startStakingChain(
  operatorsMax: number,
  reporter: Reporter,
  { genesisTimestampS, chainAddress }: Partial<Pick<DevnetOptions, 'genesisTimestampS' | 'chainAddress'>> = {},
): Promise<StakingChain> {
  await using parts = new AsyncDisposableStack()
  reporter.progress('Starting a local chain')
  const anvil = parts.use(
    await startAnvil({
      accountCount: operatorsMax + 1,
      ...(genesisTimestampS === undefined ? {} : { genesisTimestampS }),
      ...(chainAddress === undefined ? {} : { address: chainAddress }),
    }),
  )
  const deployer = anvil.accounts[0]
  if (deployer === undefined) throw new Error('The chain has no accounts')
  const client = createChainClient(anvil, deployer.privateKey)
  reporter.progress('Deploying the staking contracts')
  const deployment = await deployStaking(client, { startsEmpty: true })
  const funding = createQueue()
  let operators = 0

  const started = parts.move()
  return {
    anvil,
    deployment,
    async createOperator(keysFolder) {
      const account = anvil.accounts[++operators]
      if (account === undefined) throw new Error(`The chain was started for ${operatorsMax} operators`)
      const keys = await createKeyFiles(keysFolder)
      // Sent one after another, since they share an account and so a nonce; one block takes all of them.
      const hash = await funding(() => giveStake(client, deployment.token, account.address))
      await client.waitForTransactionReceipt({ hash })
      return { keys, keysFolder, privateKey: account.privateKey }
    },
    register: (operator) => register(anvil, deployment, operator),
    async mark() {
      const id = await client.snapshot()
      return () => client.revert({ id })
    },
    mineBySeconds: () => client.request({ method: 'evm_setIntervalMining', params: [1] } as never),
    async travelTo(timestampS) {
      await client.setNextBlockTimestamp({ timestamp: BigInt(timestampS) })
      await client.mine({ blocks: 1 })
    },
    fundPool: () => deployment.fundPool(POOL_SHARE * defaultStakingOptions.stakingRequirementAtomic),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function giveStake(client: ChainClient, token: Hex, to: Hex): Promise<Hex> {
  return client.writeContract({
    address: token,
    abi: stakingTokenAbi,
    functionName: 'transfer',
    args: [to, defaultStakingOptions.stakingRequirementAtomic],
  })
}

async function register(anvil: Anvil, deployment: StakingDeployment, operator: Operator): Promise<void> {
  const target = { chainId: anvil.chainId, contract: deployment.rewards }
  const account = createOperatorAccount(operator.privateKey, { rpcUrl: anvil.rpcUrl, ...target, ...CHAIN_LIMITS })
  const registration = createRegistration({
    ...target,
    operator: account.wallet.account.address,
    ed25519: operator.keys.ed25519,
    blsSecretKey: operator.keys.bls.secretKey,
    feeBasisPoints: 0,
  })
  const { calls } = await prepareRegistration(account, target, registration)
  const components = { journal: createMemoryJournal(), clock: systemClock }
  for (const call of calls) await sendCall(account, components, call)
}

/** Runs work one piece after another. */
function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work)
    last = done
    return done
  }
}
