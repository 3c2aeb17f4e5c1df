import { type Abi, type ContractFunctionArgs, encodeFunctionData, type Hex, parseEther, parseEventLogs } from 'viem'
import { type Anvil, startAnvil } from '../devnet/chain/anvil.ts'
import { type ChainClient, createChainClient } from '../devnet/chain/chain-client.ts'
import { deployStaking, type StakingDeployment } from '../devnet/chain/deployment.ts'
import {
  aggregateBlsSignatures,
  BlsMessage,
  type BlsSecretKey,
  blsPublicKey,
  blsPublicKeyParameter,
  blsSign,
  blsSignatureParameter,
  generateBlsSecretKey,
} from '../src/crypto/bls.ts'
import { type BlsTags, blsTags, exitMessage, liquidateMessage, rewardMessage } from '../src/crypto/bls-messages.ts'
import { type Ed25519KeyPair, generateEd25519KeyPair } from '../src/crypto/keys.ts'
import {
  serviceNodeContributionAbi,
  serviceNodeContributionFactoryAbi,
  serviceNodeRewardsAbi,
  stakingTokenAbi,
} from '../src/staking/abi.ts'
import { createRegistration, registrationArguments } from '../src/staking/registration.ts'

// What each call costs, measured on a local chain. Hashing a message to the curve takes one to seven tries, about 30,000 gas each, so
// what checks a signature varies by some percent from run to run.

export interface GasMeasure {
  readonly operation: string
  readonly gas: bigint
}

interface Keys {
  readonly ed25519: Ed25519KeyPair
  readonly bls: BlsSecretKey
}

interface Chain {
  readonly anvil: Anvil
  readonly owner: ChainClient
  readonly staking: StakingDeployment
  readonly tags: BlsTags
}

interface Member {
  readonly keys: Keys
  readonly id: bigint
}

const STAKE = 25_000_000_000_000n
const FEW = 7
const MANY = 100
/** Of the many: none, some, and as many as may be. */
const NON_SIGNERS = [0, 4, 33] as const
const DAY_S = 86_400
const NOBODY = '0x0000000000000000000000000000000000000000'
const NO_KEYS: readonly Keys[] = []

export async function measureGas(): Promise<readonly GasMeasure[]> {
  return [...(await registrations()), ...(await amongMany()), ...(await pooled())]
}

/** The table as it stands in README.md. */
export function gasTable(measures: readonly GasMeasure[]): string {
  const rows = measures.map(({ operation, gas }) => `| ${operation} | ${Number(gas).toLocaleString('en')} |`)
  return ['| call | gas |', '| --- | ---: |', ...rows].join('\n')
}

async function registrations(): Promise<GasMeasure[]> {
  const anvil = await startAnvil()
  await using chain = await deployOn(anvil, NO_KEYS)
  const measures: GasMeasure[] = []
  for (let count = 1; count <= FEW; count++) {
    const gas = await register(chain, chain.owner, someKeys())
    if (count === 1 || count === FEW) measures.push({ operation: `register, as member ${count}`, gas })
  }
  return measures
}

async function amongMany(): Promise<GasMeasure[]> {
  const keys = Array.from({ length: MANY - 1 }, someKeys)
  const anvil = await startAnvil()
  await using chain = await deployOn(anvil, keys)
  const newcomer = someKeys()
  const measures = [{ operation: `register, as member ${MANY}`, gas: await register(chain, chain.owner, newcomer) }]
  await passTime(chain, DAY_S)
  const members = [...keys, newcomer].map((own, index) => ({ keys: own, id: BigInt(index + 1) }))
  const rewards = rewardsOf(chain)
  measures.push({
    operation: 'ask to leave',
    gas: await spent(chain.owner, { ...rewards, functionName: 'initiateExitBLSPublicKey', args: [1n] }),
  })
  for (const nonSigners of NON_SIGNERS) {
    const suffix = `${nonSigners} of ${MANY} not signing`
    const measure = async (operation: string, call: () => Promise<Call>) => {
      // Each is measured among all the members.
      const id = await chain.owner.snapshot()
      measures.push({ operation: `${operation}, ${suffix}`, gas: await spent(chain.owner, await call()) })
      await chain.owner.revert({ id })
    }
    await measure('exit with signatures', () => removal(chain, members, nonSigners, 'exitBLSPublicKeyWithSignature'))
    await measure('liquidate', () => removal(chain, members, nonSigners, 'liquidateBLSPublicKeyWithSignature'))
    await measure('update a balance', () => Promise.resolve(update(chain, members, nonSigners)))
  }
  await spent(chain.owner, update(chain, members, 0))
  measures.push({
    operation: 'claim',
    gas: await spent(chain.owner, { ...rewards, functionName: 'claimRewards', args: [STAKE] }),
  })
  await passTime(chain, 30 * DAY_S)
  measures.push({
    operation: 'exit without signatures',
    gas: await spent(chain.owner, { ...rewards, functionName: 'exitBLSPublicKeyAfterWaitTime', args: [1n] }),
  })
  return measures
}

async function pooled(): Promise<GasMeasure[]> {
  const contributors = 10
  const anvil = await startAnvil({ accountCount: contributors })
  await using chain = await deployOn(anvil, NO_KEYS)
  const clients = anvil.accounts.map(({ privateKey }) => createChainClient(anvil, privateKey))
  const [operator = chain.owner, ...others] = clients
  const { gas: deployment, pool } = await deployPool(chain, operator, false)
  const measures = [{ operation: 'pooled stake: deploy', gas: deployment }]
  await allowAll(chain, clients, pool)

  const contract = { address: pool, abi: serviceNodeContributionAbi } as const
  const pay = (client: ChainClient, amount: bigint) =>
    spent(client, { ...contract, functionName: 'contributeFunds', args: [amount, NOBODY] })
  const quarter = STAKE / 4n
  const share = STAKE / 12n + 1n
  measures.push({ operation: 'pooled stake: contribute, the operator', gas: await pay(operator, quarter) })
  for (const [index, client] of others.entries()) {
    const isLast = index === others.length - 1
    const gas = await pay(client, isLast ? STAKE - quarter - share * BigInt(others.length - 1) : share)
    const place = index + 2
    if (index === 0) measures.push({ operation: `pooled stake: contribute, as number ${place}`, gas })
    if (isLast) measures.push({ operation: `pooled stake: contribute and register, as number ${place}`, gas })
  }
  measures.push(...(await endings(chain, operator, others[0] ?? operator)))
  return measures
}

/** The other ways in which a pooled stake goes on. */
async function endings(chain: Chain, operator: ChainClient, other: ChainClient): Promise<GasMeasure[]> {
  const { pool } = await deployPool(chain, operator, true)
  await allowAll(chain, [operator, other], pool)
  const contract = { address: pool, abi: serviceNodeContributionAbi } as const
  const pay = (client: ChainClient, amount: bigint) =>
    spent(client, { ...contract, functionName: 'contributeFunds', args: [amount, NOBODY] })
  await pay(operator, STAKE / 2n)
  await pay(other, STAKE / 2n)
  await passTime(chain, DAY_S)
  const withdrawal = await spent(other, { ...contract, functionName: 'withdrawContribution', args: [] })
  await pay(other, STAKE / 2n)
  const id = await chain.owner.snapshot()
  const finalisation = await spent(operator, { ...contract, functionName: 'finalize', args: [] })
  await chain.owner.revert({ id })
  return [
    { operation: 'pooled stake: withdraw', gas: withdrawal },
    { operation: 'pooled stake: finalize, two contributors', gas: finalisation },
    {
      operation: 'pooled stake: reset, two contributors',
      gas: await spent(operator, { ...contract, functionName: 'reset', args: [] }),
    },
  ]
}

interface Call {
  readonly address: Hex
  readonly abi: Abi
  readonly functionName: string
  readonly args: readonly unknown[]
}

/** Sends a call and returns what it cost. */
async function spent(client: ChainClient, call: Call): Promise<bigint> {
  return (await receiptOf(client, call)).gasUsed
}

async function receiptOf(client: ChainClient, { address, ...call }: Call) {
  const data = encodeFunctionData(call)
  const hash = await client.sendTransaction({ to: address, data })
  const receipt = await client.waitForTransactionReceipt({ hash })
  if (receipt.status !== 'success') throw new Error(`${call.functionName} failed`)
  return receipt
}

function rewardsOf({ staking }: Chain) {
  return { address: staking.rewards, abi: serviceNodeRewardsAbi } as const
}

async function deployOn(anvil: Anvil, seeded: readonly Keys[]): Promise<Chain & AsyncDisposable> {
  const [account] = anvil.accounts
  if (account === undefined) throw new Error('The chain has accounts')
  const owner = createChainClient(anvil, account.privateKey)
  // Seeding a hundred at once does not fit a block of a public chain.
  await owner.setBlockGasLimit({ gasLimit: 1_000_000_000n })
  const seedMembers = seeded.map(({ ed25519, bls }) => ({
    blsPubkey: blsPublicKeyParameter(blsPublicKey(bls)),
    ed25519Pubkey: BigInt(`0x${Buffer.from(ed25519.publicKey).toString('hex')}`),
    addedTimestampS: 1_700_000_000n,
    operator: owner.account.address,
  }))
  const staking = await deployStaking(owner, { seedMembers, startsEmpty: seedMembers.length === 0 })
  const tags = blsTags(anvil.chainId, staking.rewards)
  return { anvil, owner, staking, tags, [Symbol.asyncDispose]: () => anvil[Symbol.asyncDispose]() }
}

function someKeys(): Keys {
  return { ed25519: generateEd25519KeyPair(), bls: generateBlsSecretKey() }
}

async function passTime({ owner }: Chain, seconds: number): Promise<void> {
  await owner.increaseTime({ seconds })
  await owner.mine({ blocks: 1 })
}

function signedRegistration({ anvil, staking }: Chain, operator: Hex, { ed25519, bls }: Keys) {
  const target = { chainId: anvil.chainId, contract: staking.rewards, operator }
  return createRegistration({ ...target, ed25519, blsSecretKey: bls, feeBasisPoints: 500 })
}

async function register(chain: Chain, client: ChainClient, keys: Keys): Promise<bigint> {
  const { staking } = chain
  await spent(client, tokenCall(staking, 'approve', staking.rewards, STAKE))
  const args = registrationArguments(signedRegistration(chain, client.account.address, keys))
  return await spent(client, { ...rewardsOf(chain), functionName: 'addBLSPublicKey', args })
}

function tokenCall({ token }: StakingDeployment, functionName: 'approve' | 'transfer', to: Hex, amount: bigint) {
  return { address: token, abi: stakingTokenAbi, functionName, args: [to, amount] } as const
}

async function allowAll({ owner, staking }: Chain, clients: readonly ChainClient[], spender: Hex): Promise<void> {
  for (const client of clients) {
    await owner.setBalance({ address: client.account.address, value: parseEther('10') })
    await spent(owner, tokenCall(staking, 'transfer', client.account.address, STAKE))
    await spent(client, tokenCall(staking, 'approve', spender, STAKE))
  }
}

async function deployPool(chain: Chain, operator: ChainClient, manualFinalize: boolean) {
  const { blsPubkey, proofOfPossession, serviceNodeParams } = signedRegistration(
    chain,
    operator.account.address,
    someKeys(),
  )
  const abi = serviceNodeContributionFactoryAbi
  const args: ContractFunctionArgs<typeof abi, 'nonpayable', 'deploy'> = [
    ...([blsPubkey, proofOfPossession, serviceNodeParams] as const),
    ...([[], manualFinalize] as const),
  ]
  const receipt = await receiptOf(operator, { address: chain.staking.factory, abi, functionName: 'deploy', args })
  const [event] = parseEventLogs({ abi, logs: receipt.logs, eventName: 'NewServiceNodeContributionContract' })
  if (event === undefined) throw new Error('The factory made nothing')
  return { gas: receipt.gasUsed, pool: event.args.contributorContract }
}

function signedByAllBut(members: readonly Member[], nonSigners: number, message: Uint8Array, tags: BlsTags) {
  const hashed = new BlsMessage(message, tags.hashToG2)
  const signers = members.slice(0, members.length - nonSigners)
  const aggregate = aggregateBlsSignatures(signers.map(({ keys }) => blsSign(keys.bls, hashed)))
  if (aggregate === undefined) throw new Error('Somebody signs')
  const ids = members.slice(members.length - nonSigners).map(({ id }) => id)
  return { signature: blsSignatureParameter(aggregate), ids }
}

async function removal(
  chain: Chain,
  members: readonly Member[],
  nonSigners: number,
  functionName: 'exitBLSPublicKeyWithSignature' | 'liquidateBLSPublicKeyWithSignature',
): Promise<Call> {
  const [subject] = members
  if (subject === undefined) throw new Error('There are members')
  const key = blsPublicKey(subject.keys.bls)
  const timestampS = Number((await chain.owner.getBlock()).timestamp)
  const messageOf = functionName === 'exitBLSPublicKeyWithSignature' ? exitMessage : liquidateMessage
  const { signature, ids } = signedByAllBut(members, nonSigners, messageOf(chain.tags, key, timestampS), chain.tags)
  const args = [blsPublicKeyParameter(key), BigInt(timestampS), signature, ids] as const
  return { ...rewardsOf(chain), functionName, args }
}

function update(chain: Chain, members: readonly Member[], nonSigners: number): Call {
  const recipient = chain.owner.account.address
  const message = rewardMessage(chain.tags, recipient, STAKE)
  const { signature, ids } = signedByAllBut(members, nonSigners, message, chain.tags)
  return { ...rewardsOf(chain), functionName: 'updateRewardsBalance', args: [recipient, STAKE, signature, ids] }
}
