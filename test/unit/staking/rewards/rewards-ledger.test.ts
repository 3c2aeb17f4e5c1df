import { appendFile, readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createStakingNetwork, mined, STAKE } from '../../../../contracts/test/staking-network.ts'
import type { RecordedRewards } from '../../../../src/protocol/peer-api/node-record.ts'
import type { Hex } from '../../../../src/staking/chain-reply.ts'
import { ledgerFilePath } from '../../../../src/staking/rewards/ledger-file.ts'
import { RebuildRule } from '../../../../src/staking/rewards/rebuild-rule.ts'
import { RecordedRoots } from '../../../../src/staking/rewards/recorded-roots.ts'
import type { RewardsLedger } from '../../../../src/staking/rewards/snapshot.ts'
import { type RpcProxy, startRpcProxy } from '../rpc-proxy.ts'
import { aClock, temporaryFolder } from '../staked-chain.ts'
import { createRewardsChain, openLedger, type RewardsChain } from './rewards-chain.ts'

// One chain whose time only moves on, with three providers in front of it. Periods are days.

const DAY_S = 24 * 3600

let chain: RewardsChain
let proxies: readonly RpcProxy[]
let cleanup: AsyncDisposableStack
let folder: string

beforeAll(async () => {
  chain = await createRewardsChain()
  proxies = await Promise.all([0, 1, 2].map(() => startRpcProxy(chain.network.anvil.rpcUrl)))
  await chain.passTime(DAY_S)
  await chain.passTime(DAY_S)
  await chain.release()
  await chain.passTime(DAY_S)
  await chain.finalize()
}, 60_000)
afterAll(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})
beforeEach(async () => {
  cleanup = new AsyncDisposableStack()
  folder = cleanup.use(await temporaryFolder()).path
})
afterEach(async () => {
  for (const proxy of proxies) proxy.behaviour = { kind: 'honest' }
  await cleanup.disposeAsync()
})

const urls = (count: number) => proxies.slice(0, count).map(({ url }) => url)
const proxyAt = (place: number): RpcProxy => {
  const proxy = proxies[place]
  if (proxy === undefined) throw new RangeError('there are three proxies')
  return proxy
}

/** A ledger that has looked at the chain once. */
async function open(count = 2, overrides: Parameters<typeof openLedger>[3] = {}, stateFolder = folder) {
  const opened = cleanup.use(await openLedger(chain, urls(count), stateFolder, overrides))
  await opened.ledger.refresh()
  return opened
}

const promisedBy = (ledger: RewardsLedger) =>
  [...(ledger.current()?.totals.values() ?? [])].reduce((sum, total) => sum + total, 0n)

test('what the pool released is the operators’, but for what cannot be divided', async () => {
  const { ledger } = await open()
  const brought = await chain.brought()
  const address = chain.network.operator.account.address
  expect(promisedBy(ledger)).toBe(ledger.total(address)?.totalAtomic)
  expect(brought - promisedBy(ledger)).toBeGreaterThanOrEqual(0n)
  expect(brought - promisedBy(ledger)).toBeLessThan(4n)
  expect(ledger.total(`0x${'00'.repeat(20)}`)?.totalAtomic).toBe(0n)
  expect(ledger.status()).toMatchObject({ members: 4, dissent: undefined, lastError: undefined })
  expect(ledger.disagrees()).toBe(false)
})

test('a period without a release ends with the same totals', async () => {
  const { ledger } = await open()
  const before = ledger.current()
  const seen: number[] = []
  ledger.onSnapshot(({ index }) => seen.push(index))
  await chain.passTime(DAY_S)
  await chain.finalize()
  await ledger.refresh()
  expect(ledger.current()).toMatchObject({ index: (before?.index ?? 0) + 1, root: before?.root })
  expect(ledger.previous()).toEqual(before)
  expect(seen).toEqual([ledger.current()?.index])
})

type Log = Readonly<Record<string, unknown>> & { readonly data: Hex; readonly logIndex: Hex }
const LIES: readonly (readonly [string, (logs: readonly Log[]) => readonly Log[]])[] = [
  ['leaves a log out', (logs) => logs.slice(1)],
  ['adds a log', (logs) => [...logs, ...logs.slice(-1).map((log) => ({ ...log, logIndex: '0xff' as const }))]],
  [
    'alters an amount',
    (logs) => logs.map((log) => (log.data.length === 66 ? { ...log, data: `0x${'01'.padStart(64, '0')}` } : log)),
  ],
]
const lying = (lie: (logs: readonly Log[]) => readonly Log[]) => ({
  kind: 'lying' as const,
  lie: (method: string, result: unknown) => (method === 'eth_getLogs' ? lie(result as readonly Log[]) : result),
})

test.each(LIES)('a provider that %s is not believed, and by two others outvoted', async (_, lie) => {
  proxyAt(0).behaviour = lying(lie)
  const alone = await open(2)
  expect(alone.ledger.current()).toBeUndefined()
  expect(alone.ledger.status().lastError).toBe('PROVIDERS_DISAGREE')
  const other = cleanup.use(await temporaryFolder()).path
  const outvoted = await open(3, {}, other)
  await outvoted.ledger.refresh()
  expect(outvoted.ledger.status()).toMatchObject({ members: 4, dissent: undefined, lastError: undefined })
  expect(promisedBy(outvoted.ledger)).toBeGreaterThan(0n)
  expect(await outvoted.registry.expose()).toMatch(/starling_staking_rewards_disagreements_total [1-9]/)
})

test('logs are read in halves where an answer would be too long', async () => {
  const { ledger } = await open()
  const other = cleanup.use(await temporaryFolder()).path
  // One log and a block fit, the page does not.
  const small = await open(2, { replyMaxBytes: 3500 }, other)
  expect(small.ledger.current()?.root).toBe(ledger.current()?.root)
})

test('a look reads no more pages than its budget, and there is no snapshot before all are read', async () => {
  const { ledger } = await open(2, { logPageBlocks: 10, rules: { pagesPerPassMax: 2, deployedBlock: 1 } })
  expect(ledger.status()).toMatchObject({ block: 20, index: undefined, lastError: undefined })
  for (let looks = 0; looks < 10 && ledger.current() === undefined; looks++) await ledger.refresh()
  const other = cleanup.use(await temporaryFolder()).path
  expect(ledger.current()?.root).toBe((await open(2, {}, other)).ledger.current()?.root)
})

test('after a restart the snapshot is there before the chain answers', async () => {
  const first = await open()
  const before = first.ledger.current()
  await first[Symbol.asyncDispose]()
  for (const proxy of proxies) proxy.behaviour = { kind: 'down' }
  const { ledger } = await open()
  expect(ledger.current()).toEqual(before)
  expect(ledger.status().lastError).toBe('PROVIDERS_UNAVAILABLE')
})

test('a damaged file is not used: all logs are read again', async () => {
  const first = await open()
  const before = first.ledger.current()
  await first[Symbol.asyncDispose]()
  await appendFile(ledgerFilePath(folder), ' x')
  const { ledger } = await open()
  expect(ledger.current()).toEqual(before)
  expect(await readFile(ledgerFilePath(folder), 'utf8')).not.toContain(' x')
})

test('a ledger that begins after some registrations notices that members are missing, and is in doubt', async () => {
  const blocks = await chain.network.owner.getLogs({ address: chain.network.rewards, fromBlock: 0n })
  const second = blocks.filter(({ topics }) => topics[0]?.startsWith('0x533c16cb'))[1]
  const { ledger, registry } = await open(2, { rules: { deployedBlock: Number(second?.blockNumber) } })
  expect(ledger.status()).toMatchObject({ members: 3, dissent: 'contract', reconciledAtMs: undefined })
  expect(ledger.disagrees()).toBe(true)
  expect(await registry.expose()).toContain('starling_staking_rewards_dissent{with="contract"} 1')
})

/** Leaves out what registers the first member, and says that it left whose registration nobody has seen. */
const withoutFirst = (logs: readonly Log[]) => logs.filter(({ topics }) => !isFirstRegistration(topics as Hex[]))
const isFirstRegistration = ([topic, id]: readonly Hex[]) =>
  topic?.startsWith('0x533c16cb') === true && BigInt(id ?? 0) === 1n

test('logs that contradict the contract are read again from the beginning when that has lasted, and not often', async () => {
  for (const place of [0, 1]) proxyAt(place).behaviour = lying(withoutFirst)
  const rules = { rebuildAfterMs: 0, rebuildIntervalMs: 1000 }
  const clock = aClock()
  const { ledger, registry } = await open(2, { clock, rules })
  // All of it will be read again, so there is nothing to sign by.
  expect(ledger.status()).toMatchObject({ members: undefined, index: undefined })
  await ledger.refresh()
  expect(ledger.status()).toMatchObject({ members: 3, dissent: 'contract' })
  await ledger.refresh()
  expect(ledger.status()).toMatchObject({ members: 3, dissent: 'contract' })
  expect(await registry.expose()).toContain('starling_staking_rewards_rebuilds_total 1')
  for (const proxy of proxies) proxy.behaviour = { kind: 'honest' }
  clock.advance(1000)
  await ledger.refresh()
  await ledger.refresh()
  expect(ledger.status()).toMatchObject({ members: 4, dissent: undefined, lastError: undefined })
  expect(promisedBy(ledger)).toBeGreaterThan(0n)
  expect(await registry.expose()).toContain('starling_staking_rewards_rebuilds_total 2')
})

test('a ledger that contradicts the contract is not taken up by a restart', async () => {
  for (const place of [0, 1]) proxyAt(place).behaviour = lying(withoutFirst)
  const first = await open()
  expect(first.ledger.status()).toMatchObject({ index: expect.any(Number), dissent: 'contract' })
  await first[Symbol.asyncDispose]()
  for (const proxy of proxies) proxy.behaviour = { kind: 'down' }
  const { ledger } = await open()
  expect(ledger.status()).toMatchObject({ members: 3, dissent: undefined })
  expect(ledger.current()).toBeUndefined()
})

test('a rebuild is due when contradictions have lasted, and the next one after a pause', () => {
  const rule = new RebuildRule({ rebuildAfterMs: 10, rebuildIntervalMs: 100 })
  expect([0, 9, 10].map((nowMs) => rule.isDue(false, nowMs))).toEqual([false, false, true])
  expect([11, 21, 109, 110].map((nowMs) => rule.isDue(false, nowMs))).toEqual([false, false, false, true])
  expect(rule.isDue(true, 300)).toBe(false)
  expect([301, 310, 311].map((nowMs) => rule.isDue(false, nowMs))).toEqual([false, false, true])
})

test('a ledger that differs from more than a third of the others’ is in doubt', async () => {
  let others: readonly RecordedRewards[] = []
  const { ledger } = await open(2, { others: () => others })
  const { index = 0, root = '' } = ledger.current() ?? {}
  const same = { index, root }
  const different = { index, root: 'ff'.repeat(32) }
  others = [same, same, different]
  expect(ledger.disagrees()).toBe(false)
  others = [same, different]
  expect(ledger.disagrees()).toBe(true)
  expect(ledger.status().dissent).toBe('records')
  // What others say of periods that this node knows nothing of proves nothing.
  others = [same, { index: index + 1, root: 'ff'.repeat(32) }]
  expect(ledger.disagrees()).toBe(false)
})

test('roots of the last periods are remembered, and no more', () => {
  const roots = new RecordedRoots()
  for (let index = 0; index < 100; index++) roots.add(index, `${index}`)
  expect(roots.entries()).toHaveLength(64)
  expect(
    roots.compare([
      { index: 99, root: '99' },
      { index: 98, root: 'x' },
      { index: 1, root: 'x' },
    ]),
  ).toEqual({
    same: 1,
    different: 1,
  })
})

test('members that were named before the start earn too: their contributors come from the contract’s state', async () => {
  const operator: Hex = `0x${'0e'.repeat(20)}`
  const seedMembers = [...chain.keys.values()].slice(0, 4).map(({ publicKey }, place) => ({
    blsPubkey: { X: integer(publicKey.subarray(0, 32)), Y: integer(publicKey.subarray(32)) },
    ed25519Pubkey: BigInt(place + 1),
    addedTimestampS: 1n,
    operator,
  }))
  const network = cleanup.use(await createStakingNetwork({ seedMembers }))
  await network.fundPool(100n * STAKE)
  const pass = async (seconds: number) => {
    await network.owner.increaseTime({ seconds })
    await network.owner.mine({ blocks: 3 })
  }
  await pass(2 * DAY_S)
  const release = { ...network.poolContract, functionName: 'payoutReleased', gas: 300_000n } as const
  // Sent is not mined: time that passes between the two moves the release into another period.
  await mined(network.stranger, network.stranger.writeContract(release))
  await pass(DAY_S)
  const { ledger } = cleanup.use(await openLedger({ network }, [network.anvil.rpcUrl], folder))
  await ledger.refresh()
  expect(ledger.status()).toMatchObject({ members: 4, dissent: undefined, lastError: undefined })
  expect(ledger.total(operator)?.totalAtomic).toBeGreaterThan(0n)
})

function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}
