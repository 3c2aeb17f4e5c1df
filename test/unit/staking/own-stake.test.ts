import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Logger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import { createStakingMetrics } from '../../../src/staking/metrics.ts'
import type { StakingOptions } from '../../../src/staking/options.ts'
import { createOwnStake } from '../../../src/staking/own-stake.ts'
import type { OwnStakeState } from '../../../src/staking/own-stake-state.ts'
import { createChainProviders } from '../../../src/staking/providers.ts'
import { type RpcProxy, startRpcProxy } from './rpc-proxy.ts'
import {
  aClock,
  aNode,
  createStakedChain,
  STAKE,
  type StakedChain,
  type TestNode,
  temporaryFolder,
  testStakingOptions,
} from './staked-chain.ts'

const DAY_MS = 86_400_000

let chain: StakedChain
let proxy: RpcProxy
beforeAll(async () => {
  chain = await createStakedChain()
  proxy = await startRpcProxy(chain.anvil.rpcUrl)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})

async function watch(
  node: TestNode,
  rpcUrls = [chain.anvil.rpcUrl],
  stateFolder?: string,
  overrides: Partial<StakingOptions> = {},
) {
  const said: string[] = []
  const line = (facts: object) => void ('state' in facts && said.push(String(facts.state)))
  const nothing = () => {}
  const log: Logger = { error: line, warn: line, info: line, debug: nothing, trace: nothing, part: () => log }
  const registry = createMetricsRegistry()
  const components = { log, clock: aClock(), metrics: createStakingMetrics(registry) }
  const options = { ...testStakingOptions(chain, rpcUrls, ''), ...overrides }
  const providers = createChainProviders(components, options)
  const stake = await createOwnStake({ ...components, providers }, { ...options, ...node.keys, stateFolder })
  return { stake, said, registry, clock: components.clock }
}

test('a contract that is younger than the last finalized block is no trouble', async () => {
  const finalized = await chain.client.getBlock({ blockTag: 'finalized' })
  // As if the contract had been made after the finalized block: what is there without it.
  await using young = await startRpcProxy(chain.anvil.rpcUrl)
  const at = `0x${finalized.number.toString(16)}`
  const lie = (method: string, result: unknown, params: readonly unknown[]) =>
    ['eth_call', 'eth_getCode'].includes(method) && params[1] === at ? '0x' : result
  young.behaviour = { kind: 'lying', lie }
  const { stake } = await watch(aNode(), [young.url])
  await using _ = stake
  expect(stake.state().kind).toBe('not-registered')
})

test('a node waits for its registration, then for its finality, and then is active', async () => {
  const node = aNode()
  const { stake, said, registry } = await watch(node)
  await using _ = stake
  const changes: OwnStakeState['kind'][] = []
  stake.onChange((state) => changes.push(state.kind))
  expect(stake.state()).toMatchObject({ kind: 'not-registered', nextCommand: 'starling stake register' })

  const member = await chain.register(node)
  await stake.refresh()
  expect(stake.state()).toMatchObject({ kind: 'pending-finality', member, nextCommand: 'starling stake status' })
  await stake.refresh()

  await chain.finalize()
  await stake.refresh()
  expect(stake.state()).toMatchObject({ kind: 'active', member, nextCommand: undefined })
  expect(member.depositAtomic).toBe(STAKE)
  expect(changes).toEqual(['pending-finality', 'active'])
  expect(said).toEqual(['not-registered', 'pending-finality', 'active'])
  const metrics = await registry.expose()
  expect(metrics).toContain('starling_staking_own_stake{state="active"} 1')
  expect(metrics).toContain('starling_staking_own_stake{state="not-registered"} 0')
})

test('a node that waits says so again after a while', async () => {
  const { stake, said, clock } = await watch(aNode())
  await using _ = stake
  await stake.refresh()
  expect(said).toEqual(['not-registered'])
  clock.advance(600_000)
  await stake.refresh()
  expect(said).toEqual(['not-registered', 'not-registered'])
})

test('a leaving node knows its dates, and is gone after its exit, even for one that was restarted', async () => {
  await using folder = await temporaryFolder()
  const node = aNode()
  const { id } = await chain.register(node)
  await chain.finalize()
  const { stake } = await watch(node, [chain.anvil.rpcUrl], folder.path)
  await using _ = stake
  expect(stake.state().kind).toBe('active')

  const requestedMs = Number(await chain.requestExit(id)) * 1000
  await chain.finalize()
  await stake.refresh()
  const dates = { requestedMs, unlockMs: requestedMs + 15 * DAY_MS, exitUnsignedMs: requestedMs + 30 * DAY_MS }
  expect(stake.state()).toMatchObject({ kind: 'leaving', dates })
  expect(stake.state().sentence).toContain(new Date(dates.unlockMs).toISOString().slice(0, 10))

  await chain.client.increaseTime({ seconds: 31 * 86_400 })
  const hash = await chain.client.writeContract({
    address: chain.staking.rewards,
    abi: serviceNodeRewardsAbi,
    functionName: 'exitBLSPublicKeyAfterWaitTime',
    args: [id],
  })
  await chain.client.waitForTransactionReceipt({ hash })
  await stake.refresh()
  // The exit is not final yet, so the node goes on.
  expect(stake.state().kind).toBe('leaving')
  await chain.finalize()
  await stake.refresh()
  expect(stake.state()).toMatchObject({ kind: 'gone', lastId: id, nextCommand: 'starling stake register' })

  const { stake: restarted } = await watch(node, [chain.anvil.rpcUrl], folder.path)
  await using _restarted = restarted
  expect(restarted.state()).toMatchObject({ kind: 'gone', lastId: id })
})

test('an Ed25519 key that somebody else registered is told from one that is ours', async () => {
  const victim = aNode()
  const squatter = aNode({ ed25519: victim.ed25519 })
  const { id } = await chain.register(squatter)
  await chain.finalize()
  const { stake } = await watch(victim)
  await using _ = stake
  expect(stake.state()).toMatchObject({ kind: 'key-mismatch', mismatch: { idOfKey: id, idOfBls: undefined } })
  expect(stake.state().sentence).toContain('with another BLS key')
})

test('a replaced Ed25519 key and mixed files of two nodes are told apart', async () => {
  const [first, second] = [aNode(), aNode()]
  const idOfKey = (await chain.register(first)).id
  const idOfBls = (await chain.register(second)).id
  await chain.finalize()
  const { stake: mixed } = await watch(aNode({ ed25519: first.ed25519, blsSecretKey: second.blsSecretKey }))
  await using _mixed = mixed
  expect(mixed.state()).toMatchObject({ kind: 'key-mismatch', mismatch: { idOfKey, idOfBls } })
  expect(mixed.state().sentence).toContain('mixed up')

  const { stake: replaced } = await watch(aNode({ blsSecretKey: second.blsSecretKey }))
  await using _replaced = replaced
  expect(replaced.state()).toMatchObject({ kind: 'key-mismatch', mismatch: { idOfKey: undefined, idOfBls } })
  expect(replaced.state().sentence).toContain('another Ed25519 key')
})

test('a squatting registration is seen before it is final', async () => {
  const victim = aNode()
  await chain.register(aNode({ ed25519: victim.ed25519 }))
  const { stake } = await watch(victim)
  await using _ = stake
  expect(stake.state().kind).toBe('key-mismatch')
})

test('while the chain cannot be read, what held before is remembered', async () => {
  const node = aNode()
  await chain.register(node)
  await chain.finalize()
  const { stake, clock } = await watch(node, [proxy.url])
  await using _ = stake
  proxy.behaviour = { kind: 'down' }
  await stake.refresh()
  clock.advance(60_000)
  await stake.refresh()
  expect(stake.state()).toMatchObject({
    kind: 'chain-unreachable',
    code: 'PROVIDER_UNREACHABLE',
    lastKnown: { kind: 'active' },
  })
  proxy.behaviour = { kind: 'honest' }
  clock.advance(60_000)
  await stake.refresh()
  expect(stake.state().kind).toBe('active')
})

test('providers that are too slow together do not stop the start', async () => {
  await using second = await startRpcProxy(chain.anvil.rpcUrl)
  for (const slow of [proxy, second]) slow.behaviour = { kind: 'silent' }
  const { stake } = await watch(aNode(), [proxy.url, second.url], undefined, { passTimeoutMs: 100 })
  await using _ = stake
  proxy.behaviour = { kind: 'honest' }
  expect(stake.state().kind).toBe('chain-unreachable')
})

test('a single provider that denies the stake of a registered node is not believed', async () => {
  const node = aNode()
  await chain.register(node)
  await chain.finalize()
  const { stake } = await watch(node, [proxy.url, chain.anvil.rpcUrl])
  await using _ = stake
  expect(stake.state().kind).toBe('active')
  const zero = `0x${'0'.repeat(64)}`
  // Ids become zero; the tag and longer results stay.
  proxy.behaviour = {
    kind: 'lying',
    lie: (method, result) => (method === 'eth_call' && /^0x0{48}/.test(String(result)) ? zero : result),
  }
  await stake.refresh()
  proxy.behaviour = { kind: 'honest' }
  expect(stake.state().kind).toBe('active')
})
