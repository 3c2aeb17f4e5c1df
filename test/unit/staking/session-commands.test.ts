import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { DAY, SECOND } from '../../../src/base/clock.ts'
import { blsTags } from '../../../src/crypto/bls-messages.ts'
import { startStarling } from '../../support/program.ts'
import { type CommandWorld, createCommandWorld, type Operator, starlingHere } from './command-world.ts'
import { type SessionNode, startSessionNode } from './session-node.ts'
import { aNode, STAKE, type TestNode } from './staked-chain.ts'

// Beside Session's software: its nodes give the signatures, no node of ours runs, and the clocks are the real ones. So the chain begins
// sixteen days ago and comes to the present when the waits are to be over.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const TOTAL = STAKE + 777n

interface Staked {
  readonly keysFolder: string
  readonly operator: Operator
}

let world: CommandWorld
let session: SessionNode
let leaving: Staked
let other: Staked
const members = new Map<number, TestNode>()

beforeAll(async () => {
  const genesisMs = Date.now() - 16 * DAY
  world = await createCommandWorld({ genesisTimestampS: Math.floor(genesisMs / SECOND), isSessions: true })
  for (let id = 1; id <= 5; id++) {
    const member = aNode()
    await world.chain.register(member)
    members.set(id, member)
  }
  session = await startSessionNode({
    tags: blsTags(world.chain.anvil.chainId, world.chain.staking.rewards),
    members: () => members,
    totalOf: () => TOTAL,
    nowMs: Date.now,
  })
  leaving = await staked()
  other = await staked()
  expect(await command('request-exit', leaving)).toMatchObject({ exitCode: 0 })
  session.silent = [2, 4]
})
afterAll(async () => {
  await session?.[Symbol.asyncDispose]()
  await world?.[Symbol.asyncDispose]()
})

async function staked(): Promise<Staked> {
  const stake = { keysFolder: await world.newNode(), operator: await world.newOperator() }
  expect(await command('register', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'registered' } })
  members.set(Number(await world.memberId(stake.keysFolder)), await world.nodeOf(stake.keysFolder))
  return stake
}

function command(name: string, { keysFolder, operator }: Staked, ...rest: readonly string[]) {
  return starlingHere(
    ...['stake', name, '--keys-folder', keysFolder, ...mainnet(), '--operator-key-file', operator.keyFile],
    ...['--send', '--yes', '--beside-session-node', ...rest],
  )
}

/** As an operator names Session's network; the local chain stands in for Arbitrum One. */
const mainnet = () => ['--network', 'mainnet', '--rpc', world.chain.anvil.rpcUrl, '--json']

const fromSession = (...urls: readonly string[]) => urls.flatMap((url) => ['--signatures-from', url])

test('looking needs no word, and nothing is prepared without it', async () => {
  const { keysFolder, operator } = leaving
  const plainly = (name: string, ...rest: readonly string[]) =>
    starlingHere('stake', name, '--keys-folder', keysFolder, ...mainnet(), ...rest)
  await world.chain.finalize()
  expect(await plainly('status')).toMatchObject({ exitCode: 0, json: { state: 'leaving' } })
  const preflight = await plainly('preflight')
  expect(preflight.json['checks']).toContainEqual(expect.objectContaining({ id: 'session-software', status: 'warn' }))
  const sent = await world.transactionsOf(operator.address)
  const signer = ['--operator', operator.address]
  expect(await plainly('request-exit', ...signer, '--dry-run')).toMatchObject({
    exitCode: 0,
    json: { outcome: 'already-leaving' },
  })
  expect(await plainly('request-exit', ...signer)).toMatchObject({
    exitCode: 2,
    json: { error: { code: 'SESSION_NODE_UNCONFIRMED' } },
  })
  expect(await world.transactionsOf(operator.address)).toBe(sent)
})

test('signatures are asked for when the wait is over, and of Session’s nodes only', async () => {
  const early = await command('exit', leaving, ...fromSession(session.url))
  expect(early).toMatchObject({ exitCode: 75, json: { error: { code: 'WAIT_NOT_OVER' } } })
  expect(session.asked).toEqual([])
  const nobody = await command('claim', leaving)
  expect(nobody).toMatchObject({ json: { error: { message: expect.stringContaining('--signatures-from') } } })
})

test('the page about it leads from the keys to the claim', async () => {
  const page = await readFile('docs/beside-session.md', 'utf8')
  const lines = page.split('\n').filter((line) => line.startsWith('starling '))
  const [, configuration = ''] = /```yaml\n(.*?)```/s.exec(page) ?? []
  const { keysFolder, operator } = await staked()
  const folder = await world.newFolder()
  const { rpcUrl } = world.chain.anvil
  const place = (text: string) =>
    text
      .replaceAll('/var/lib/starling/keys', join(folder, 'keys'))
      .replaceAll('/var/lib/oxen', keysFolder)
      .replace('https://rpc.example', rpcUrl)
      .replace('https://other-rpc.example', `${rpcUrl}/`)
      .replace('starling.yml', join(folder, 'starling.yml'))
      .replace(`0x${'1'.repeat(40)}`, operator.address)
      .replace('https://seed1.getsession.org/json_rpc', session.url)
      .replace('--keystore operator.json', `--yes --operator-key-file ${operator.keyFile}`)
  await writeFile(join(folder, 'starling.yml'), place(configuration))
  const next = () =>
    starlingHere(
      ...place(lines.shift() ?? '')
        .split(' ')
        .slice(1),
      '--json',
    )

  expect(await next()).toMatchObject({ exitCode: 0, json: { imported: true } })
  await world.chain.finalize()
  expect(await next()).toMatchObject({ exitCode: 0, json: { state: 'active' } })
  expect((await next()).json['checks']).toContainEqual(
    expect.objectContaining({ id: 'session-software', status: 'warn' }),
  )
  expect(await next()).toMatchObject({ exitCode: 0, json: { claimableAtomic: String(TOTAL) } })
  expect(await next()).toMatchObject({ exitCode: 0, json: { outcome: 'dry-run' } })
  expect(await next()).toMatchObject({ exitCode: 0, json: { outcome: 'exit-requested' } })
  await world.chain.mineAt(BigInt(Math.floor(Date.now() / SECOND)))
  const id = await world.memberId(keysFolder)
  expect(await next()).toMatchObject({ exitCode: 0, json: { outcome: 'exited' } })
  members.delete(Number(id))
  expect(await next()).toMatchObject({
    exitCode: 0,
    json: { outcome: 'claimed', plan: { amountAtomic: String(TOTAL) } },
  })
  expect(lines).toEqual([])
  expect(await world.tokensOf(operator.address)).toBe(TOTAL)

  const ports = ['rpc', 'network', 'metrics'].flatMap((part) => [`--${part}.port`, '0'])
  await using node = startStarling([
    ...['run', '--config', join(folder, 'starling.yml'), '--dataFolder', join(folder, 'data'), ...ports],
    ...['--publicIp', '192.0.2.7', '--rpc.listenAddress', '127.0.0.1', '--network.listenAddress', '127.0.0.1'],
  ])
  const said = (start: string) => node.until(({ events }) => events.find(({ msg }) => String(msg).startsWith(start)))
  await said("This is the contract of Session's network")
  const { reasons } = await said('Not serving')
  expect(reasons).toContainEqual(expect.stringContaining('No other service node is known yet'))
  node.kill('SIGTERM')
  expect((await node.ended()).code).toBe(0)
})

test('a refusal of theirs is told', async () => {
  session.change = () => undefined
  expect(await command('exit', leaving, ...fromSession(session.url))).toMatchObject({
    exitCode: 69,
    json: { error: { code: 'SIGNATURE_NODE_FAILED', message: expect.stringContaining('refuses') } },
  })
  session.change = (answer) => answer
  expect(await world.memberCount()).toBe(BigInt(members.size))
})

test('signatures that are not the members’ are not sent', async () => {
  session.change = (answer) => ({ ...answer, non_signer_indices: [1] })
  const sent = await world.transactionsOf(leaving.operator.address)
  expect(await command('exit', leaving, ...fromSession(session.url))).toMatchObject({
    exitCode: 1,
    json: { error: { code: 'SIGNATURE_ANSWER_WRONG' } },
  })
  session.change = (answer) => answer
  expect(await world.transactionsOf(leaving.operator.address)).toBe(sent)
})

test('an exit goes through with the signatures of the first of them that helps', async () => {
  const id = await world.memberId(leaving.keysFolder)
  const run = await command('exit', leaving, ...fromSession('http://127.0.0.1:1/json_rpc', session.url))
  expect(run).toMatchObject({
    exitCode: 0,
    json: { outcome: 'exited', plan: { id: String(id), signatures: { signed: 5, members: 7 } } },
  })
  expect(await world.memberId(leaving.keysFolder)).toBe(0n)
  members.delete(Number(id))
})

test('a node that broke the rules is liquidated, which pays who sends it', async () => {
  const id = await world.memberId(other.keysFolder)
  const liquidator = { keysFolder: await world.newFolder(), operator: await world.newOperator({ tokens: 0n }) }
  const run = await command('liquidate', liquidator, '--node', String(id), ...fromSession(session.url))
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'liquidated', plan: { signatures: { signed: 4 } } } })
  expect(session.asked.at(-1)).toMatchObject({ params: { liquidate: true } })
  expect(await world.memberId(other.keysFolder)).toBe(0n)
  expect(await world.tokensOf(liquidator.operator.address)).toBe(7_500_000_000n)
  members.delete(Number(id))
})

test('rewards are shown and claimed by the total that Session’s network signs', async () => {
  const { address } = leaving.operator
  // Of the five members that are left, one need not sign.
  session.silent = [2]
  const rewards = await starlingHere(
    ...['stake', 'rewards', ...mainnet(), '--operator', address, ...fromSession(session.url)],
  )
  expect(rewards).toMatchObject({
    exitCode: 0,
    json: { claimableAtomic: String(TOTAL), ledger: { totalAtomic: String(TOTAL) } },
  })
  expect(await command('unstake', leaving, ...fromSession(session.url))).toMatchObject({
    exitCode: 0,
    json: { outcome: 'claimed', sent: true },
  })
  expect(await world.tokensOf(address)).toBe(TOTAL)
})
