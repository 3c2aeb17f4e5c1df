import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getAddress, type Hex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY, SECOND } from '../../../src/base/clock.ts'
import {
  type CommandWorld,
  createCommandWorld,
  type Operator,
  type Run,
  starlingHere,
  startStarling,
} from './command-world.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { STAKE } from './staked-chain.ts'

// Pooled stakes by the commands, against the contracts.

const TOKEN = 1_000_000_000n

let world: CommandWorld
beforeAll(async () => {
  world = await createCommandWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

interface Person {
  readonly folder: string
  readonly account: Operator
}

async function anOperator(): Promise<Person> {
  return { folder: await world.newNode(), account: await world.newOperator() }
}

async function aContributor(tokens = STAKE): Promise<Person> {
  return { folder: await world.newFolder(), account: await world.newOperator({ tokens }) }
}

function contribution(name: string, { folder, account }: Person, ...rest: readonly string[]): Promise<Run> {
  return starlingHere(
    ...['stake', 'contribution', name, '--keys-folder', folder, ...world.target()],
    ...['--operator-key-file', account.keyFile, '--factory', world.chain.staking.factory, '--send', '--yes', ...rest],
  )
}

const status = async (pool: string) =>
  (await starlingHere('stake', 'contribution', 'status', ...world.target(), '--pool', pool)).json

async function aPool(operator: Person, ...rest: readonly string[]): Promise<Hex> {
  const run = await contribution('deploy', operator, ...rest)
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'deployed', pool: expect.stringMatching(/^0x\w{40}$/) } })
  return run.json['pool'] as Hex
}

test('a stake of several is opened, filled, and registers the node by itself', async () => {
  const [operator, contributor] = [await anOperator(), await aContributor()]
  const pool = await aPool(operator, '--fee', '500')
  expect(await status(pool)).toMatchObject({ status: 'awaiting-operator', feeBasisPoints: 500, contributedAtomic: '0' })
  const pay = (person: Person, amount: string, ...rest: readonly string[]) =>
    contribution('contribute', person, '--pool', pool, '--amount', amount, ...rest)

  expect(await pay(contributor, '18750')).toMatchObject({
    exitCode: 1,
    json: { error: { code: 'CONTRACT_REFUSED', message: expect.stringContaining('The operator contributes first') } },
  })
  expect(await pay(operator, '100')).toMatchObject({
    exitCode: 1,
    json: { error: { details: { contractError: 'ContributionBelowMinAmount' } } },
  })
  const dryRun = await pay(operator, '6250', '--dry-run')
  expect(dryRun).toMatchObject({ exitCode: 0, json: { outcome: 'dry-run', plan: { needsApproval: true } } })
  expect(await pay(operator, '6250')).toMatchObject({ exitCode: 0, json: { outcome: 'contributed' } })
  expect(await status(pool)).toMatchObject({
    status: 'open',
    contributedAtomic: String(6250n * TOKEN),
    shares: [{ address: operator.account.address, amountAtomic: String(6250n * TOKEN) }],
  })
  expect(await pay(contributor, '20000')).toMatchObject({
    exitCode: 1,
    json: { error: { details: { contractError: 'ContributionExceedsStakingRequirement' } } },
  })

  const members = await world.memberCount()
  const beneficiary = getAddress(`0x${'be'.repeat(20)}`)
  expect(await pay(contributor, '18750', '--beneficiary', beneficiary)).toMatchObject({ exitCode: 0 })
  expect(await world.memberCount()).toBe(members + 1n)
  expect(await world.memberId(operator.folder)).toBeGreaterThan(0n)
  expect(await status(pool)).toMatchObject({ status: 'registered', shares: [{}, { beneficiary }] })
  expect(await world.tokensOf(contributor.account.address)).toBe(6250n * TOKEN)
  expect(await contribution('finalize', operator, '--pool', pool)).toMatchObject({
    exitCode: 0,
    json: { outcome: 'already-registered', sent: false },
  })
})

test('a pool that is registered by hand is, and only by its operator', async () => {
  const [operator, contributor] = [await anOperator(), await aContributor()]
  const reserve = `${contributor.account.address}=5000`
  const own = `${operator.account.address}=20000`
  const pool = await aPool(operator, '--finalize-by-hand', '--reserve', own, '--reserve', reserve)
  const pay = (person: Person, amount: string) => contribution('contribute', person, '--pool', pool, '--amount', amount)
  expect(await pay(operator, '20000')).toMatchObject({ exitCode: 0 })
  expect(await status(pool)).toMatchObject({ reservedAtomic: String(5000n * TOKEN) })
  expect(await contribution('finalize', operator, '--pool', pool)).toMatchObject({
    exitCode: 1,
    json: { error: { details: { contractError: 'FinalizeNotPossible' } } },
  })
  expect(await pay(contributor, '5000')).toMatchObject({ exitCode: 0 })
  expect(await status(pool)).toMatchObject({ status: 'full' })
  expect(await contribution('finalize', contributor, '--pool', pool)).toMatchObject({
    exitCode: 1,
    json: { error: { details: { contractError: 'OnlyOperatorIsAuthorised' } } },
  })
  const members = await world.memberCount()
  expect(await contribution('finalize', operator, '--pool', pool)).toMatchObject({
    exitCode: 0,
    json: { outcome: 'registered' },
  })
  expect(await world.memberCount()).toBe(members + 1n)
})

test('a contribution is taken back after a day, and the operator ends the pool at any time', async () => {
  const [operator, contributor] = [await anOperator(), await aContributor()]
  const pool = await aPool(operator)
  await contribution('contribute', operator, '--pool', pool, '--amount', '10000')
  await contribution('contribute', contributor, '--pool', pool, '--amount', '10000')
  const withdraw = (person: Person) => contribution('withdraw', person, '--pool', pool)
  expect(await withdraw(contributor)).toMatchObject({ exitCode: 75, json: { error: { code: 'WAIT_NOT_OVER' } } })
  await world.passTime(DAY / SECOND)
  expect(await withdraw(contributor)).toMatchObject({ exitCode: 0, json: { outcome: 'withdrawn' } })
  expect(await world.tokensOf(contributor.account.address)).toBe(STAKE)
  expect(await withdraw(contributor)).toMatchObject({
    exitCode: 1,
    json: { error: { details: { contractError: 'NothingToWithdraw' } } },
  })
  expect(await withdraw(operator)).toMatchObject({ exitCode: 0 })
  expect(await world.tokensOf(operator.account.address)).toBe(STAKE)
  expect(await status(pool)).toMatchObject({ status: 'awaiting-operator', contributedAtomic: '0' })
})

test('only a contract of the right factory is paid, and only a factory of the right contract counts', async () => {
  const [operator, contributor] = [await anOperator(), await aContributor()]
  const pay = (pool: string, ...rest: readonly string[]) =>
    contribution('contribute', contributor, '--pool', pool, '--amount', '10000', ...rest)
  const wrong = { exitCode: 5, json: { error: { code: 'CONTRACT_WRONG' } } }
  expect(await pay(world.chain.staking.rewards)).toMatchObject(wrong)
  const noFactory = await starlingHere(
    ...['stake', 'contribution', 'deploy', '--keys-folder', operator.folder, ...world.target()],
    ...['--operator', operator.account.address, '--factory', world.chain.staking.token],
  )
  expect(noFactory).toMatchObject(wrong)
  expect(await world.transactionsOf(contributor.account.address)).toBe(0)
  const odd = await contribution('deploy', operator, '--reserve', 'all')
  expect(odd).toMatchObject({ exitCode: 2, json: { error: { code: 'OPTION_INVALID' } } })
})

test('the factory is the one of the network, unless another is named', async () => {
  const operator = await anOperator()
  const { rewards, factory } = world.chain.staking
  const presetOf = async (contributionFactory: string) => {
    const path = join(await world.newFolder(), 'preset.json')
    await writeFile(path, JSON.stringify({ staking: { contract: rewards, contributionFactory } }))
    return path
  }
  const deploy = (...rest: readonly string[]) =>
    starlingHere(
      ...['stake', 'contribution', 'deploy', '--keys-folder', operator.folder, ...world.target()],
      ...['--operator', operator.account.address, '--dry-run', ...rest],
    )
  const unknown = { exitCode: 2, json: { error: { code: 'OPTION_INVALID' } } }
  expect(await deploy()).toMatchObject(unknown)
  expect(await deploy('--network', await presetOf(''))).toMatchObject(unknown)
  const network = ['--network', await presetOf(factory)]
  expect(await deploy(...network)).toMatchObject({ exitCode: 0, json: { outcome: 'dry-run', plan: { factory } } })
  expect(await deploy(...network, '--factory', rewards)).toMatchObject({ exitCode: 5 })
})

test('a pool must be of the factory in the words of every provider', async () => {
  await using liar = await startRpcProxy(world.chain.anvil.rpcUrl)
  // It says yes to whatever is a truth value.
  const lie = (_method: string, result: unknown) =>
    /^0x0{64}$/.test(String(result)) ? `0x${'1'.padStart(64, '0')}` : result
  liar.behaviour = { kind: 'lying', lie }
  const contributor = await aContributor()
  const pay = (...rpc: readonly string[]) =>
    starlingHere(
      ...[
        'stake',
        'contribution',
        'contribute',
        '--keys-folder',
        contributor.folder,
        ...world.target(liar.url),
        ...rpc,
      ],
      ...['--operator', contributor.account.address, '--factory', world.chain.staking.factory],
      ...['--pool', world.chain.staking.token, '--amount', '10000'],
    )
  const wrong = { exitCode: 5, json: { error: { code: 'CONTRACT_WRONG' } } }
  expect((await pay()).json).not.toMatchObject(wrong.json)
  expect(await pay('--rpc', world.chain.anvil.rpcUrl)).toMatchObject(wrong)
})

test('a contribution that was cut off is finished once, and is not taken for another one', async () => {
  const [operator, contributor] = [await anOperator(), await aContributor()]
  const pool = await aPool(operator)
  await contribution('contribute', operator, '--pool', pool, '--amount', '10000')
  const pay = (amount: string) => contribution('contribute', contributor, '--pool', pool, '--amount', amount)
  const cutOff = async (amount: string) => {
    await using provider = await startRpcProxy(world.chain.anvil.rpcUrl)
    const stopped = new Promise<void>((resolve) => {
      const method = 'eth_sendRawTransaction'
      provider.behaviour = { kind: 'stopping', method, nth: 2, when: 'after', stopped: resolve }
    })
    const child = startStarling(
      ...['stake', 'contribution', 'contribute', '--keys-folder', contributor.folder, ...world.target(provider.url)],
      ...['--operator-key-file', contributor.account.keyFile, '--factory', world.chain.staking.factory],
      ...['--send', '--yes', '--pool', pool, '--amount', amount],
    )
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await Promise.race([stopped, ended])
    child.kill('SIGKILL')
    await ended
  }
  await cutOff('6000')
  expect(await pay('6000.0')).toMatchObject({ exitCode: 0, json: { outcome: 'contributed', resumed: true } })
  expect(await world.tokensOf(contributor.account.address)).toBe(STAKE - 6000n * TOKEN)
  await cutOff('4000')
  const run = await pay('5000')
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'contributed', resumed: false } })
  const purposes = (run.json['transactions'] as readonly { purpose: string }[]).map(({ purpose }) => purpose)
  expect(purposes.filter((purpose) => purpose === 'contribution-contribute')).toHaveLength(2)
  expect(await world.tokensOf(contributor.account.address)).toBe(STAKE - 15_000n * TOKEN)
})
