import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/base/clock.ts'
import { moneyFlags, type UnstakeArgs, unstakeFlags } from '../../../src/cli/stake/options.ts'
import { unstake } from '../../../src/cli/stake/unstake.ts'
import { blsTags } from '../../../src/crypto/bls-messages.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import { StakingError } from '../../../src/staking/errors.ts'
import { type CommandWorld, type Operator, starlingHere } from './command-world.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { startSessionNode } from './session-node.ts'
import { blsKeyText, createSignedWorld, type SigningNode } from './signing-node.ts'
import { aNode, STAKE } from './staked-chain.ts'

// How a stake comes back: request, wait, exit, claim, one by one and guided, against the operator's socket of a node whose members sign.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const DAY_S = DAY / SECOND
const FIFTEEN_DAYS_S = 15 * DAY_S

let signed: Awaited<ReturnType<typeof createSignedWorld>>
let world: CommandWorld
let node: SigningNode
beforeAll(async () => {
  signed = await createSignedWorld()
  world = signed.world
  node = signed.node
})
afterAll(() => signed[Symbol.asyncDispose]())
beforeEach(() => {
  node.afterSigning = async () => {}
})

interface Staked {
  readonly keysFolder: string
  readonly operator: Operator
}

async function staked(): Promise<Staked> {
  const keysFolder = await world.newNode()
  const operator = await world.newOperator()
  const run = await command('register', { keysFolder, operator }, '--send', '--yes')
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'registered' } })
  node.signers.push(await world.nodeOf(keysFolder))
  return { keysFolder, operator }
}

function command(name: string, { keysFolder, operator }: Staked, ...rest: readonly string[]) {
  return starlingHere(
    ...['stake', name, '--keys-folder', keysFolder, '--data-folder', node.dataFolder, ...world.target()],
    ...['--operator-key-file', operator.keyFile, ...rest],
  )
}

const rewardsOf = ({ keysFolder, operator }: Staked) =>
  starlingHere(
    ...['stake', 'rewards', '--keys-folder', keysFolder, '--data-folder', node.dataFolder, ...world.target()],
    ...['--operator', operator.address],
  )

/** As the ledger counts what was earned. */
function credit({ operator }: Staked, amountAtomic: bigint): void {
  const key = operator.address.toLowerCase()
  node.totals.set(key, (node.totals.get(key) ?? 0n) + amountAtomic)
}

/** As the ledger counts a stake that left the contract, when it has come so far. */
async function creditStake(stake: Staked): Promise<void> {
  credit(stake, STAKE)
  node.ledgerBlock = await world.chain.client.getBlockNumber()
}

test("one of Session's nodes can give the signatures in place of a running node", async () => {
  const { chain } = world
  await using session = await startSessionNode({
    tags: blsTags(chain.anvil.chainId, chain.staking.rewards),
    members: () => new Map(node.signers.map((signer, index) => [index + 1, signer])),
    totalOf: () => 777n,
    nowMs: Date.now,
  })
  const operator = await world.newOperator({ tokens: 0n })
  const run = await starlingHere(
    ...['stake', 'claim', '--keys-folder', await world.newFolder(), ...world.target()],
    ...['--operator-key-file', operator.keyFile, '--signatures-from', session.url, '--send', '--yes'],
  )
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'claimed', plan: { amountAtomic: '777' } } })
  expect(await world.tokensOf(operator.address)).toBe(777n)
})

test('a stake comes back step by step, and each step done twice is done once', async () => {
  const stake = await staked()
  const { keysFolder, operator } = stake
  expect(await command('exit', stake, '--send', '--yes')).toMatchObject({
    exitCode: 1,
    json: { error: { code: 'CONTRACT_REFUSED', message: expect.stringContaining('starling stake request-exit') } },
  })

  const dryRun = await command('request-exit', stake, '--dry-run')
  expect(dryRun).toMatchObject({ exitCode: 0, json: { outcome: 'dry-run', sent: false } })
  const requested = await command('request-exit', stake, '--send', '--yes')
  expect(requested).toMatchObject({ exitCode: 0, json: { outcome: 'exit-requested', sent: true } })
  expect(await command('request-exit', stake, '--send', '--yes')).toMatchObject({
    exitCode: 0,
    json: { outcome: 'already-leaving', sent: false },
  })
  const statusNow = () => starlingHere('stake', 'status', '--keys-folder', keysFolder, ...world.target())
  await world.chain.client.mine({ blocks: 1 })
  // The registration is final, the request is not yet.
  expect(await statusNow()).toMatchObject({ exitCode: 0, json: { state: 'active', upcoming: 'exit-request' } })
  await world.chain.client.mine({ blocks: 1 })
  const status = await statusNow()
  expect(status).toMatchObject({
    exitCode: 0,
    json: { state: 'leaving', nextCommand: 'starling stake unstake', dates: { unlockMs: expect.any(Number) } },
  })
  expect(status.json['transactions']).toEqual([
    expect.objectContaining({ purpose: 'approve', outcome: 'mined' }),
    expect.objectContaining({ purpose: 'register', outcome: 'mined' }),
    expect.objectContaining({ purpose: 'request-exit', outcome: 'mined', confirmations: '3' }),
  ])

  const early = await command('exit', stake, '--send', '--yes')
  expect(early).toMatchObject({ exitCode: 75, json: { error: { code: 'WAIT_NOT_OVER' } } })
  expect(early.stderr).toMatch(/from \d{4}-\d\d-\d\d \d\d:\d\d UTC, in 1[45] d/)

  await world.passTime(FIFTEEN_DAYS_S)
  const members = await world.memberCount()
  expect(await command('exit', stake, '--dry-run')).toMatchObject({
    exitCode: 0,
    json: { plan: { signatures: { signed: node.signers.length, members: Number(members) } } },
  })
  expect(await command('exit', stake, '--send', '--yes')).toMatchObject({ exitCode: 0, json: { outcome: 'exited' } })
  expect(await world.memberCount()).toBe(members - 1n)
  expect(await statusNow()).toMatchObject({ exitCode: 0, json: { state: 'leaving', upcoming: 'exit' } })
  expect(await command('exit', stake, '--send', '--yes')).toMatchObject({
    exitCode: 6,
    json: { error: { code: 'STAKE_MISSING' } },
  })

  expect(await command('claim', stake, '--send', '--yes')).toMatchObject({
    exitCode: 0,
    json: { outcome: 'nothing-to-claim', sent: false },
  })
  await creditStake(stake)
  expect(await rewardsOf(stake)).toMatchObject({
    exitCode: 0,
    json: { recordedAtomic: '0', claimableNowAtomic: '0', claimableAtomic: String(STAKE), ledger: { index: 7 } },
  })
  const part = await command('claim', stake, '--amount', '10000.5', '--send', '--yes')
  expect(part).toMatchObject({
    exitCode: 0,
    json: { outcome: 'claimed', plan: { amount: '10000.5', needsUpdate: true } },
  })
  expect(await world.tokensOf(operator.address)).toBe(10_000_500_000_000n)
  expect(await command('claim', stake, '--amount', '15000', '--send', '--yes')).toMatchObject({
    exitCode: 6,
    json: { error: { code: 'CLAIM_TOO_LARGE' } },
  })
  const rest = await command('claim', stake, '--send', '--yes')
  expect(rest).toMatchObject({ exitCode: 0, json: { outcome: 'claimed', plan: { needsUpdate: false } } })
  expect(await world.tokensOf(operator.address)).toBe(STAKE)
})

test('unstake goes the whole way, one run after another, and says what it waits for', async () => {
  const stake = await staked()
  const run = () => command('unstake', stake, '--send', '--yes')
  expect(await command('unstake', stake, '--dry-run')).toMatchObject({
    exitCode: 0,
    json: { outcome: 'dry-run', sent: false },
  })
  const first = await run()
  expect(first).toMatchObject({
    exitCode: 75,
    json: { outcome: 'waiting', sent: true, steps: [{ outcome: 'exit-requested' }], untilMs: expect.any(Number) },
  })
  expect(await run()).toMatchObject({ exitCode: 75, json: { outcome: 'waiting', sent: false, steps: [] } })
  await world.passTime(FIFTEEN_DAYS_S)
  expect(await run()).toMatchObject({
    exitCode: 75,
    json: { outcome: 'waiting', steps: [{ outcome: 'exited' }], sentence: expect.stringContaining('The exit is done') },
  })
  // What was earned before can be had already, and is not taken for the stake.
  credit(stake, 1_000n)
  expect(await run()).toMatchObject({
    exitCode: 75,
    json: {
      outcome: 'waiting',
      steps: [{ outcome: 'claimed' }],
      sentence: expect.stringContaining('The exit is done'),
    },
  })
  await creditStake(stake)
  expect(await run()).toMatchObject({ exitCode: 0, json: { outcome: 'claimed', sent: true } })
  expect(await world.tokensOf(stake.operator.address)).toBe(STAKE + 1_000n)
  expect(await run()).toMatchObject({ exitCode: 0, json: { outcome: 'done', sent: false } })
})

test('unstake --wait goes the whole way in one run, and a try that fails for now does not end it', async () => {
  const stake = await staked()
  const whatPasses: (() => Promise<void>)[] = [
    () => world.passTime(7 * DAY_S),
    async () => {
      await world.passTime(9 * DAY_S)
      node.afterSigning = async () => {
        node.afterSigning = async () => {}
        throw new StakingError('SIGNATURES_INSUFFICIENT', 'Too few members signed')
      }
    },
    async () => {},
    async () => credit(stake, 1_000n),
    () => creditStake(stake),
  ]
  const pauses: number[] = []
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    const outcome = await unstake(patientArgs(stake), async (ms) => {
      pauses.push(ms)
      await whatPasses.shift()?.()
    })
    expect(outcome.result).toMatchObject({
      outcome: 'claimed',
      steps: ['exit-requested', 'exited', 'claimed', 'claimed'].map((step) => ({ outcome: step, sent: true })),
    })
    await outcome.afterPrinting?.()
    const lines = said.mock.calls.map(([line]) => String(line)).filter((line) => /^\d{4}-/.test(line))
    expect(lines).toEqual([
      expect.stringContaining('Keep it running until then'),
      expect.stringContaining('Keep it running until then'),
      expect.stringContaining('Too few members signed'),
      expect.stringContaining('The exit is done'),
      expect.stringContaining('The exit is done'),
    ])
  } finally {
    said.mockRestore()
  }
  expect(pauses).toEqual(Array.from({ length: 5 }, () => 5 * MINUTE))
  expect(await world.tokensOf(stake.operator.address)).toBe(STAKE + 1_000n)
})

/** What `stake unstake --wait --send --yes` is given. */
function patientArgs({ keysFolder, operator }: Staked): UnstakeArgs {
  const { anvil, staking } = world.chain
  return {
    ...Object.fromEntries(
      Object.entries({ ...unstakeFlags, ...moneyFlags }).flatMap(([name, flag]) =>
        'default' in flag ? [[name, flag.default]] : [],
      ),
    ),
    ...{ rpc: [anvil.rpcUrl], contract: staking.rewards, 'chain-id': anvil.chainId, json: true },
    ...{ 'keys-folder': keysFolder, 'data-folder': node.dataFolder, 'operator-key-file': operator.keyFile },
    ...{ send: true, yes: true, wait: true },
  } as UnstakeArgs
}

test('after thirty days a node leaves without signatures, and unstake takes that way by itself', async () => {
  const [one, other] = [await staked(), await staked()]
  for (const stake of [one, other]) await command('request-exit', stake, '--send', '--yes')
  expect(await command('exit', one, '--without-signatures', '--send', '--yes')).toMatchObject({
    exitCode: 75,
    json: { error: { code: 'WAIT_NOT_OVER', message: expect.stringContaining('without signatures') } },
  })
  await world.passTime(30 * DAY_S)
  const asked = node.asked.length
  expect(await command('exit', one, '--without-signatures', '--send', '--yes')).toMatchObject({ exitCode: 0 })
  expect(await command('unstake', other, '--send', '--yes')).toMatchObject({ json: { steps: [{ outcome: 'exited' }] } })
  expect(node.asked.slice(asked)).toEqual([])
})

test('a member that registers while signatures are under way has them collected again', async () => {
  const stake = await staked()
  await command('request-exit', stake, '--send', '--yes')
  await world.passTime(FIFTEEN_DAYS_S)
  const asked = node.asked.length
  node.afterSigning = async () => {
    node.afterSigning = async () => {}
    const late = aNode()
    await world.chain.register(late)
    node.signers.push(late)
  }
  const run = await command('exit', stake, '--send', '--yes')
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'exited' } })
  expect(run.stderr).toContain('The members changed meanwhile')
  expect(node.asked.slice(asked)).toEqual(['exit', 'exit'])
})

test('only a contributor can ask, and only a running node can collect', async () => {
  const stake = await staked()
  const stranger = await world.newOperator()
  expect(await command('request-exit', { ...stake, operator: stranger }, '--send', '--yes')).toMatchObject({
    exitCode: 1,
    json: { error: { code: 'CONTRACT_REFUSED', message: expect.stringContaining(stake.operator.address) } },
  })
  await command('request-exit', stake, '--send', '--yes')
  await world.passTime(FIFTEEN_DAYS_S)
  const elsewhere = ['--data-folder', await world.newFolder()]
  const alone = await starlingHere(
    ...['stake', 'exit', '--keys-folder', stake.keysFolder, ...world.target(), ...elsewhere],
    ...['--operator-key-file', stake.operator.keyFile, '--send', '--yes'],
  )
  expect(alone).toMatchObject({ exitCode: 4, json: { error: { code: 'NODE_NOT_RUNNING' } } })
})

test('a claim beyond what all claims of a cycle may take waits for the next cycle', async () => {
  const stake = await staked()
  credit(stake, 1_000n)
  const rewards = { address: world.chain.staking.rewards, abi: serviceNodeRewardsAbi } as const
  const setCap = async (capAtomic: bigint) => {
    const call = { ...rewards, functionName: 'setClaimThreshold', args: [capAtomic] } as const
    await world.chain.client.waitForTransactionReceipt({ hash: await world.chain.client.writeContract(call) })
  }
  const cap = await world.chain.client.readContract({ ...rewards, functionName: 'claimThreshold' })
  await world.passTime((24 * HOUR) / SECOND)
  await setCap(400n)
  try {
    expect(await command('claim', stake, '--send', '--yes')).toMatchObject({
      exitCode: 0,
      json: { plan: { amountAtomic: '400', leftInCycleAtomic: '400' } },
    })
    expect(await command('claim', stake, '--send', '--yes')).toMatchObject({
      exitCode: 75,
      json: { error: { code: 'WAIT_NOT_OVER', details: { fromMs: expect.any(Number) } } },
    })
  } finally {
    await setCap(cap)
  }
})

test('a liquidation is tried out unless it is to be sent, and pays who sends it', async () => {
  const stake = await staked()
  const liquidator = await world.newOperator({ tokens: 0n })
  const target = blsKeyText(await world.nodeOf(stake.keysFolder))
  await world.passTime((3 * HOUR) / SECOND)
  const liquidate = (...rest: readonly string[]) =>
    command('liquidate', { ...stake, operator: liquidator }, '--node', target, ...rest)
  expect(await liquidate('--yes')).toMatchObject({
    exitCode: 0,
    json: { outcome: 'dry-run', sent: false, plan: { callerAtomic: '7500000000', returnedAtomic: '24950000000000' } },
  })
  expect(await world.transactionsOf(liquidator.address)).toBe(0)
  expect(await liquidate('--send', '--yes')).toMatchObject({ exitCode: 0, json: { outcome: 'liquidated' } })
  expect(await world.tokensOf(liquidator.address)).toBe(7_500_000_000n)
  expect(await liquidate('--send', '--yes')).toMatchObject({ exitCode: 6, json: { error: { code: 'STAKE_MISSING' } } })
})

test('no provider of another chain is given anything to send', async () => {
  await using provider = await startRpcProxy(world.chain.anvil.rpcUrl)
  provider.behaviour = { kind: 'lying', lie: (method, result) => (method === 'eth_chainId' ? '0x1' : result) }
  const stake = { keysFolder: await world.newNode(), operator: await world.newOperator() }
  const run = await starlingHere(
    ...['stake', 'register', '--keys-folder', stake.keysFolder, ...world.target(provider.url)],
    ...['--operator-key-file', stake.operator.keyFile, '--send', '--yes'],
  )
  expect(run).toMatchObject({ exitCode: 5, json: { error: { code: 'CHAIN_WRONG' } } })
  expect(provider.methods).not.toContain('eth_sendRawTransaction')
})
