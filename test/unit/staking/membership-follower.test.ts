import { createHash } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { encodeFunctionResult } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { Member, MembershipEpoch } from '../../../src/protocol/service-node.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import { epochFilePath } from '../../../src/staking/epoch-file.ts'
import { createMembershipFollower } from '../../../src/staking/membership-follower.ts'
import { createStakingMetrics } from '../../../src/staking/metrics.ts'
import type { StakingOptions } from '../../../src/staking/options.ts'
import { createChainProviders } from '../../../src/staking/providers.ts'
import { type RpcProxy, startRpcProxy } from './rpc-proxy.ts'
import {
  aClock,
  aNode,
  createStakedChain,
  type StakedChain,
  temporaryFolder,
  testStakingOptions,
} from './staked-chain.ts'

// One chain whose time only moves on: each test goes through epochs of its own. Epochs last 100 seconds.

let chain: StakedChain
let proxies: RpcProxy[]
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let cleanup: AsyncDisposableStack
const members: Member[] = []

beforeAll(async () => {
  chain = await createStakedChain()
  proxies = await Promise.all([0, 1, 2].map(() => startRpcProxy(chain.anvil.rpcUrl)))
  for (let count = 0; count < 3; count++) members.push(await chain.register(aNode()))
})
afterAll(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})
beforeEach(async () => {
  folder = await temporaryFolder()
  cleanup = new AsyncDisposableStack()
  cleanup.use(folder)
})
afterEach(async () => {
  for (const proxy of proxies) proxy.behaviour = { kind: 'honest' }
  await cleanup.disposeAsync()
})

const proxyAt = (place: number): RpcProxy => {
  const proxy = proxies[place]
  if (proxy === undefined) throw new RangeError('there are three proxies')
  return proxy
}
const urls = (...places: readonly number[]) => places.map((place) => proxyAt(place).url)

async function follow(rpcUrls: readonly string[], overrides: Partial<StakingOptions> = {}) {
  const registry = createMetricsRegistry()
  const components = { log: silentLogger, clock: aClock(), metrics: createStakingMetrics(registry) }
  const options = { ...testStakingOptions(chain, rpcUrls, folder.path), ...overrides }
  const providers = createChainProviders(components, options)
  const follower = cleanup.use(await createMembershipFollower({ ...components, providers }, options))
  return { follower, clock: components.clock, registry }
}

/** Moves the chain past the boundary of an epoch that nobody has seen yet, and makes that final. Returns its index. */
async function passEpoch(epochs = 1): Promise<number> {
  const index = Number((await chain.latestTimestampS()) / 100n) + epochs
  await chain.mineAt(BigInt(index) * 100n + 5n)
  await chain.finalize()
  return index
}

/** The definition of docs/staking.md, written apart from the code under test. */
function expectedRoot(list: readonly Member[]): string {
  const u64 = (value: bigint) => value.toString(16).padStart(16, '0')
  const hex = list.map((member) =>
    [u64(member.id), member.key, member.bls, u64(member.addedTimestampS), u64(member.leaveRequestTimestampS)].join(''),
  )
  return createHash('sha256')
    .update(Buffer.from(hex.join(''), 'hex'))
    .digest('hex')
}

test('a member counts from the epoch at whose boundary its registration was in a finalized block', async () => {
  const index = await passEpoch()
  const { follower } = await follow(urls(0))
  expect(follower.current()).toMatchObject({ index, members, root: expectedRoot(members) })

  const newcomer = await chain.register(aNode())
  await follower.refresh()
  expect(follower.current()).toMatchObject({ index, members })

  // The boundary is passed, but the block after it is not final yet.
  await chain.mineAt(BigInt(index + 1) * 100n + 5n)
  await follower.refresh()
  expect(follower.current()?.index).toBe(index)

  await chain.finalize()
  await follower.refresh()
  members.push(newcomer)
  expect(follower.current()).toMatchObject({ index: index + 1, members, root: expectedRoot(members) })
  expect(follower.previous()?.index).toBe(index)
})

test('the block of an epoch is the last one with a timestamp at or before the boundary', async () => {
  const index = Number((await chain.latestTimestampS()) / 100n) + 1
  await chain.mineAt(BigInt(index) * 100n)
  const atBoundary = await chain.client.getBlock()
  await chain.mineAt(BigInt(index) * 100n + 1n)
  await chain.finalize()
  const { follower } = await follow(urls(0))
  expect(follower.current()).toMatchObject({
    index,
    blockNumber: atBoundary.number,
    blockHash: atBoundary.hash,
    blockTimestampS: atBoundary.timestamp,
  })
})

test('an exit request shows in the list of the next epoch', async () => {
  const [first, ...others] = members
  if (first === undefined) throw new Error('there are members')
  const leaveRequestTimestampS = await chain.requestExit(first.id)
  const index = await passEpoch()
  members.splice(0, members.length, { ...first, leaveRequestTimestampS }, ...others)
  const { follower } = await follow(urls(0))
  expect(follower.current()).toMatchObject({ index, members, root: expectedRoot(members) })
})

test('followers with different providers and histories see the same epochs', async () => {
  const { follower: veteran } = await follow(urls(0, 1))
  members.push(await chain.register(aNode()))
  await passEpoch()
  await veteran.refresh()
  members.push(await chain.register(aNode()))
  await passEpoch()
  await veteran.refresh()
  const other = await temporaryFolder()
  cleanup.use(other)
  const { follower: newcomer } = await follow([chain.anvil.rpcUrl], { stateFolder: other.path })
  expect(newcomer.current()).toEqual(veteran.current())
  expect(newcomer.previous()).toEqual(veteran.previous())
  expect(newcomer.current()?.root).toBe(expectedRoot(members))
  expect(newcomer.previous()?.root).toBe(expectedRoot(members.slice(0, -1)))
})

test('epochs come in order, and one far behind goes on with the last two', async () => {
  const first = await passEpoch()
  const { follower } = await follow(urls(0))
  const seen: number[] = []
  const end = follower.onEpoch((epoch) => seen.push(epoch.index))
  await passEpoch()
  await follower.refresh()
  expect(seen).toEqual([first + 1])
  const last = await passEpoch(7)
  await follower.refresh()
  expect(seen).toEqual([first + 1, last - 1, last])
  end()
  await passEpoch()
  await follower.refresh()
  expect(seen).toHaveLength(3)
})

test('while no event says otherwise, the list is not read again', async () => {
  await passEpoch()
  const { follower, clock } = await follow(urls(0))
  await passEpoch()
  proxyAt(0).methods.length = 0
  await follower.refresh()
  expect(follower.current()?.root).toBe(expectedRoot(members))
  expect(proxyAt(0).methods).toContain('eth_getLogs')
  expect(proxyAt(0).methods).not.toContain('eth_call')

  // After an hour it is read all the same, for logs can be withheld.
  clock.advance(3_600_000)
  await passEpoch()
  await follower.refresh()
  expect(proxyAt(0).methods).toContain('eth_call')
})

test('a provider that gives no logs is followed all the same', async () => {
  await passEpoch()
  const { follower } = await follow(urls(0))
  proxyAt(0).behaviour = { kind: 'refusing', method: 'eth_getLogs' }
  members.push(await chain.register(aNode()))
  const index = await passEpoch()
  await follower.refresh()
  expect(follower.current()).toMatchObject({ index, root: expectedRoot(members) })
  expect(follower.status().providers).toMatchObject([{ healthy: true }])
})

/** Answers as if the contract had no members. */
const lieAboutMembers = (method: string, result: unknown) => {
  const nobody = encodeFunctionResult({
    abi: serviceNodeRewardsAbi,
    functionName: 'allServiceNodeIDs',
    result: [[], []],
  })
  return method === 'eth_call' && String(result).length > 200 ? nobody : result
}

test('one lying provider of three is outvoted, named and left alone for a while', async () => {
  const index = await passEpoch()
  proxyAt(0).behaviour = { kind: 'lying', lie: lieAboutMembers }
  const { follower, registry } = await follow(urls(0, 1, 2))
  expect(follower.current()).toMatchObject({ index, root: expectedRoot(members) })
  expect(follower.status().providers).toMatchObject([
    { healthy: false, lastError: 'PROVIDER_DISAGREES' },
    { healthy: true },
    { healthy: true },
  ])
  expect(await registry.expose()).toContain('starling_staking_provider_up{provider="0"} 0')
})

test('when two providers contradict each other nothing is believed, and the list stays', async () => {
  const index = await passEpoch()
  const { follower, clock } = await follow(urls(0, 1))
  const before = follower.current()
  expect(before?.index).toBe(index)
  members.push(await chain.register(aNode()))
  await passEpoch()
  proxyAt(1).behaviour = { kind: 'lying', lie: lieAboutMembers }
  await follower.refresh()
  expect(follower.current()).toBe(before)
  expect(follower.status().lastError).toBe('PROVIDERS_DISAGREE')

  proxyAt(1).behaviour = { kind: 'honest' }
  clock.advance(30_000)
  await follower.refresh()
  expect(follower.current()?.root).toBe(expectedRoot(members))
})

test('one provider alone cannot push the epochs ahead', async () => {
  const index = await passEpoch()
  proxyAt(0).behaviour = {
    kind: 'lying',
    lie: (method, result, [tag]) =>
      method === 'eth_getBlockByNumber' && tag === 'finalized'
        ? { ...(result as object), timestamp: '0xffffffffff', number: '0xffffff' }
        : result,
  }
  const { follower } = await follow(urls(0, 1, 2))
  expect(follower.current()).toMatchObject({ index, root: expectedRoot(members) })
})

test('while providers are down the list stays, and following goes on after', async () => {
  await passEpoch()
  const { follower, clock } = await follow(urls(0, 1))
  const before = follower.current()
  const lastSuccessMs = follower.status().lastSuccessMs
  const index = await passEpoch()
  for (const behaviour of [{ kind: 'down' }, { kind: 'text', text: 'garbage' }] as const) {
    proxyAt(0).behaviour = behaviour
    proxyAt(1).behaviour = behaviour
    clock.advance(30_000)
    await follower.refresh()
    expect(follower.current()).toBe(before)
    expect(follower.status()).toMatchObject({ providers: [{ healthy: false }, { healthy: false }], lastSuccessMs })
  }
  proxyAt(0).behaviour = { kind: 'honest' }
  proxyAt(1).behaviour = { kind: 'honest' }
  clock.advance(30_000)
  await follower.refresh()
  expect(follower.current()?.index).toBe(index)
  expect(follower.status()).toMatchObject({ currentEpoch: index, trustsOneProvider: false, members: members.length })
  expect(follower.status().lastError).toBeUndefined()
  expect(follower.status().headAgeMs).toBeTypeOf('number')
})

test('a third provider stands in for one that never answers', async () => {
  const index = await passEpoch()
  proxyAt(0).behaviour = { kind: 'silent' }
  // The limit is for the honest ones too, on a busy machine.
  const { follower } = await follow(urls(0, 1, 2), { requestTimeoutMs: 2000 })
  expect(follower.current()?.index).toBe(index)
})

test('a restart while the chain is down goes on with the kept list', async () => {
  await passEpoch()
  const { follower } = await follow(urls(0))
  const [current, previous] = [follower.current(), follower.previous()]
  await follower[Symbol.asyncDispose]()
  proxyAt(0).behaviour = { kind: 'down' }
  const { follower: restarted, clock } = await follow(urls(0))
  expect(restarted.current()).toEqual(current)
  expect(restarted.previous()).toEqual(previous)

  const index = await passEpoch()
  proxyAt(0).behaviour = { kind: 'honest' }
  clock.advance(30_000)
  const seen: MembershipEpoch[] = []
  restarted.onEpoch((epoch) => seen.push(epoch))
  await restarted.refresh()
  expect(seen.map((epoch) => epoch.index)).toEqual([index])
})

test('a damaged kept list is not used', async () => {
  await passEpoch()
  const { follower } = await follow(urls(0))
  await follower[Symbol.asyncDispose]()
  await appendFile(epochFilePath(folder.path), 'x')
  proxyAt(0).behaviour = { kind: 'down' }
  const { follower: restarted } = await follow(urls(0))
  expect(restarted.current()).toBeUndefined()
})

test('a start with a provider of another chain is refused', async () => {
  proxyAt(1).behaviour = { kind: 'lying', lie: (method, result) => (method === 'eth_chainId' ? '0x1' : result) }
  await expect(follow(urls(0, 1))).rejects.toMatchObject({ code: 'CHAIN_WRONG' })
})

test('a stop during a look at the chain is quick and quiet', async () => {
  await passEpoch()
  const { follower } = await follow(urls(0), { requestTimeoutMs: 3_600_000, passTimeoutMs: 3_600_000 })
  proxyAt(0).behaviour = { kind: 'silent' }
  const look = follower.refresh()
  await follower[Symbol.asyncDispose]()
  await look
  expect(follower.current()).toBeDefined()
})
