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
  const inDays = (days: number) => requestedMs + days * DAY_MS
  const dates = { requestedMs, unlockMs: inDays(15), liquidateMs: inDays(22), exitUnsignedMs: inDays(30) }
  expect(stake.state()).toMatchObject({ kind: 'leaving', dates, nextCommand: 'starling stake unstake' })
  expect(stake.state().sentence).toContain(new Date(dates.unlockMs).toISOString().slice(0, 10))
  expect(stake.state().sentence).toContain('Keep it running until then')
  const sentenceOn = async (day: number) => {
    await chain.mineAt(BigInt(inDays(day) / 1000))
    await stake.refresh()
    return stake.state().sentence
  }
  expect(await sentenceOn(15)).toMatch(/signs its exit now, and from \d{4}-\S+ \S+ UTC on a liquidation too/)
  expect(await sentenceOn(22)).toContain('and a liquidation too, which costs a part of the stake: take it out')
  expect(await sentenceOn(31)).toContain('It can exit now, without signatures')
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
  expect(stake.state()).toMatchObject({ kind: 'gone', lastId: id, nextCommand: 'starling stake unstake' })

  const { stake: restarted } = await watch(node, [chain.anvil.rpcUrl], folder.path)
  await using _restarted = restarted
  expect(restarted.state()).toMatchObject({ kind: 'gone', lastId: id })
})

test('an Ed25519 key that somebody else registered is told from one whose BLS key was replaced', async () => {
  const [victim, owner] = [aNode(), aNode()]
  const squatting = await chain.register(aNode({ ed25519: victim.ed25519 }), { isSigned: false })
  const { id } = await chain.register(aNode({ ed25519: owner.ed25519 }))
  // A registration is looked for between two seconds.
  await chain.client.increaseTime({ seconds: 2 })
  await chain.finalize()
  await chain.finalize()
  const { stake: squatted } = await watch(victim)
  await using _squatted = squatted
  expect(squatted.state()).toMatchObject({
    kind: 'key-mismatch',
    mismatch: { idOfKey: squatting.id, idOfBls: undefined, registration: 'unsigned' },
    nextCommand: `starling stake liquidate --node ${squatting.id}`,
  })
  const freeFrom = new Date(Number(squatting.addedTimestampS) * 1000 + DAY_MS).toISOString().slice(0, 10)
  expect(squatted.state().sentence).toMatch(
    new RegExp(`somebody else registered it.* from ${freeFrom} .*sets the key free`),
  )

  const { stake: replaced } = await watch(owner)
  await using _replaced = replaced
  expect(replaced.state()).toMatchObject({
    kind: 'key-mismatch',
    mismatch: { idOfKey: id, idOfBls: undefined, registration: 'signed' },
    nextCommand: 'starling keys restore --from node.backup',
  })
  expect(replaced.state().sentence).toContain('key_bls was replaced')
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
  // Its event is looked for among final blocks only, so nobody knows yet whose doing it was.
  expect(stake.state()).toMatchObject({ kind: 'key-mismatch', mismatch: { registration: undefined } })
  expect(stake.state().sentence).toContain('Either key_bls was replaced')
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
