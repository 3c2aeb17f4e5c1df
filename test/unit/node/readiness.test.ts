import { expect, test } from 'vitest'
import { HOUR } from '../../../src/base/clock.ts'
import type { ChainView } from '../../../src/node/chain-trouble.ts'
import { createReadiness, type Phase } from '../../../src/node/readiness.ts'
import type { ClockTrouble } from '../../../src/peer-tests/clock-trouble.ts'
import { parseServiceNodeKey, type ServiceNodeKey, type Swarm } from '../../../src/protocol/service-node.ts'
import { type OwnStakeState, unreachableState } from '../../../src/staking/own-stake-state.ts'
import type { JoiningStatus } from '../../../src/swarm/joining.ts'

const SELF = parseServiceNodeKey('11'.repeat(32)) as ServiceNodeKey
const OTHER = parseServiceNodeKey('22'.repeat(32)) as ServiceNodeKey
const BLS = 'b1'.repeat(64)
const ACTIVE = { kind: 'active', sentence: 'Registered.', nextCommand: undefined } as OwnStakeState

const COMPLETE: JoiningStatus = { share: 1, isEmpty: false, isLenient: false }

const WELL: ChainView = {
  ...{ lastError: undefined, headAgeMs: 0, isFrozen: false, standing: 'full', contract: undefined },
  providers: ['a.example', 'b.example', 'c.example:8545'].map((host) => ({
    ...{ host, lastError: undefined, isFaulty: false },
  })),
}

/** The same providers, of which some have a fault. */
const withFaults = (...codes: readonly (string | undefined)[]) =>
  WELL.providers.map((provider, place) => ({
    ...provider,
    ...{ lastError: codes[place], isFaulty: codes[place] !== undefined },
  }))

/** A member that serves, but for what the test changes. */
function aNode(
  changes: {
    listed?: readonly { readonly key: ServiceNodeKey; readonly bls: string }[]
    hasEpoch?: boolean
    swarm?: Swarm | undefined
    stake?: OwnStakeState
    contacts?: number
    writable?: boolean
    shortage?: string
    joining?: JoiningStatus | undefined
    chain?: Partial<ChainView>
    phase?: Phase
    clock?: ClockTrouble
    trouble?: string
  } = {},
) {
  const listed = changes.listed ?? [SELF, OTHER].map((key) => ({ key, bls: BLS }))
  return createReadiness({
    identity: { key: SELF, bls: BLS },
    swarm: {
      isMember: (key) => listed.some((member) => member.key === key),
      members: () => listed,
      ownSwarm: () => ('swarm' in changes ? changes.swarm : { id: 1n, members: [SELF, OTHER] }),
      epoch: () => (changes.hasEpoch === false ? undefined : {}),
    },
    chain: { status: () => ({ ...WELL, ...changes.chain }) },
    stake: { state: () => changes.stake ?? ACTIVE },
    messages: {
      health: () => ({
        writable: changes.writable ?? true,
        reason: 'The disk failed',
        ...(changes.shortage !== undefined && { shortage: changes.shortage }),
      }),
    },
    joining: { status: () => ('joining' in changes ? changes.joining : COMPLETE) },
    peers: { records: () => Array.from({ length: changes.contacts ?? 2 }) },
    tests: { trouble: () => changes.trouble, clockTrouble: () => changes.clock },
    phase: () => changes.phase ?? 'running',
  })
}

const partsOf = (node: ReturnType<typeof aNode>) => node.reasons().map(({ part }) => part)

test('a running member with a swarm, contacts and a disk is ready', () => {
  expect(aNode().reasons()).toEqual([])
  expect(aNode().degraded()).toEqual([])
})

test('a node that starts or stops is not ready', () => {
  expect(aNode({ phase: 'starting' }).reasons()).toEqual([{ part: 'life-cycle', reason: 'Starting' }])
  expect(aNode({ phase: 'stopping' }).reasons()).toEqual([{ part: 'life-cycle', reason: 'Shutting down' }])
})

test('each thing that a node cannot serve without is a reason of its own part', () => {
  expect(partsOf(aNode({ hasEpoch: false }))).toEqual(['membership'])
  expect(partsOf(aNode({ swarm: undefined }))).toEqual(['swarm'])
  expect(partsOf(aNode({ contacts: 1 }))).toEqual(['network'])
  expect(aNode({ writable: false }).reasons()).toEqual([{ part: 'storage', reason: 'The disk failed' }])
})

test('a node with little room or none serves on and says so', () => {
  const node = aNode({ shortage: 'There is no room' })
  expect(node.reasons()).toEqual([])
  expect(node.degraded()).toEqual([{ part: 'storage', reason: 'There is no room' }])
})

test('a node that the list does not have says where its stake stands and what to do', () => {
  const stake = { kind: 'not-registered', sentence: 'Not registered.', nextCommand: 'starling stake register' } as const
  expect(aNode({ listed: [], stake }).reasons()).toEqual([
    { part: 'stake', reason: 'Not registered. Next: starling stake register' },
  ])
  expect(aNode({ listed: [] }).reasons()[0]?.reason).toContain('counts from the next epoch on')
})

test('a node whose key is listed with another BLS key is not ready, since nobody takes its record', () => {
  const listed = [
    { key: SELF, bls: 'b2'.repeat(64) },
    { key: OTHER, bls: BLS },
  ]
  expect(aNode({ listed }).reasons()).toMatchObject([
    { part: 'stake', reason: expect.stringContaining('another BLS key') },
  ])
})

test('the list is searched for this node once an epoch, not with every request', () => {
  let searches = 0
  const listed = [SELF, OTHER].map((key) => ({ key, bls: BLS }))
  const swarm = {
    isMember: () => true,
    members: () => {
      searches++
      return listed
    },
    ownSwarm: () => ({ id: 1n, members: [SELF] }),
    epoch: () => epoch,
  }
  let epoch = {}
  const node = createReadiness({
    ...{ identity: { key: SELF, bls: BLS }, swarm, phase: () => 'running' as const },
    ...{ chain: { status: () => WELL }, stake: { state: () => ACTIVE } },
    ...{ messages: { health: () => ({ writable: true }) }, peers: { records: () => [1, 2] } },
    tests: { trouble: () => undefined, clockTrouble: () => undefined },
    joining: { status: () => COMPLETE },
  })
  node.reasons()
  const first = searches
  node.reasons()
  const second = searches - first
  epoch = {}
  node.reasons()
  expect(searches - first - second).toBe(second + 1)
})

test('a member whose chain is away goes on serving, and says so', () => {
  const stake = unreachableState('PROVIDERS_UNAVAILABLE', ACTIVE)
  const node = aNode({ stake, chain: { lastError: 'PROVIDERS_UNAVAILABLE' } })
  expect(node.reasons()).toEqual([])
  expect(node.degraded()).toMatchObject([
    { part: 'chain', reason: expect.stringMatching(/PROVIDERS_UNAVAILABLE.*staking\.rpcUrls/) },
  ])
})

test('a chain that stands still is told, and the node goes on serving', () => {
  expect(aNode({ chain: { headAgeMs: HOUR } }).degraded()).toEqual([])
  const node = aNode({ chain: { headAgeMs: 2 * HOUR, isFrozen: true } })
  expect(node.reasons()).toEqual([])
  expect(node.degraded()).toMatchObject([{ part: 'chain', reason: expect.stringContaining('120 minutes old') }])
})

test('which providers cannot be used is told, and what that means', () => {
  const told = (chain: Partial<ChainView>) => aNode({ chain }).degraded()
  const onBackup = told({ standing: 'on-backup', providers: withFaults('PROVIDER_TIMEOUT') })
  expect(onBackup).toMatchObject([
    { part: 'providers', reason: expect.stringMatching(/relies on backup.*\(a\.example: PROVIDER_TIMEOUT\)/) },
  ])
  const withoutSpare = told({ standing: 'without-spare', providers: withFaults(undefined, undefined, 'CHAIN_WRONG') })
  expect(withoutSpare).toMatchObject([{ reason: expect.stringMatching(/stands by.*c\.example:8545: CHAIN_WRONG/) }])
  const tooFew = told({ standing: 'too-few', providers: withFaults('PROVIDER_AHEAD', 'PROVIDER_BEHIND') })
  expect(tooFew).toMatchObject([{ reason: expect.stringMatching(/Too few.*a\.example: .*, b\.example: /) }])
})

test('a single provider is named as the one who is trusted, unless it is on this machine', () => {
  const told = (host: string) =>
    aNode({
      chain: { standing: 'trusting-one', providers: [{ host, lastError: undefined, isFaulty: false }] },
    }).degraded()
  expect(told('a.example')).toMatchObject([{ part: 'providers', reason: expect.stringContaining('a.example alone') }])
  expect(told('127.0.0.1.example')).toHaveLength(1)
  for (const host of ['127.0.0.1:8545', 'localhost:8545', '[::1]:8545']) expect(told(host)).toEqual([])
})

test('other code of the contract than was accepted is told, with what accepts it', () => {
  const code = `0x${'cd'.repeat(32)}`
  const contract = { code, implementation: `0x${'ab'.repeat(20)}`, isAccepted: false }
  expect(aNode({ chain: { contract } }).degraded()).toMatchObject([
    { part: 'contract', reason: expect.stringContaining(`set staking.acceptedCode to ${code}`) },
  ])
  expect(aNode({ chain: { contract: { ...contract, isAccepted: true } } }).degraded()).toEqual([])
})

test('a node to which all its accounts are new is not ready, and says how far it is', () => {
  const node = aNode({ joining: { share: 0.256, isEmpty: true, isLenient: false } })
  expect(node.reasons()).toEqual([
    {
      part: 'contents',
      reason: "The messages of this node's accounts are being fetched from other members of its swarm: 25 % done",
    },
  ])
  expect(node.degraded()).toEqual([])
})

test('a node to which some accounts are new serves, and says so', () => {
  const node = aNode({ joining: { share: 0.9, isEmpty: false, isLenient: false } })
  expect(node.reasons()).toEqual([])
  expect(node.degraded()).toMatchObject([{ part: 'contents', reason: expect.stringContaining('90 % of all are here') }])
})

test('a node that nobody gives its accounts goes on with what it has', () => {
  const node = aNode({ joining: { share: 0, isEmpty: true, isLenient: true } })
  expect(node.reasons()).toEqual([])
  expect(node.degraded()).toMatchObject([{ part: 'contents', reason: expect.stringContaining('No member') }])
  expect(aNode({ joining: undefined }).reasons()).toEqual([])
})

test('a clock that is off is told, and one that is far off keeps the node from serving', () => {
  const off = aNode({ clock: { isUnready: false, sentence: 'The clock is 40 s ahead' } })
  expect(off.reasons()).toEqual([])
  expect(off.degraded()).toEqual([{ part: 'clock', reason: 'The clock is 40 s ahead' }])
  const farOff = aNode({ clock: { isUnready: true, sentence: 'The clock is an hour ahead' } })
  expect(farOff.reasons()).toEqual([{ part: 'clock', reason: 'The clock is an hour ahead' }])
  expect(farOff.degraded()).toEqual([])
})

test('what others cannot reach is told, and nobody else decides whether this node serves', () => {
  const node = aNode({ trouble: "5 of 7 testers can't reach port 22021" })
  expect(node.reasons()).toEqual([])
  expect(node.degraded()).toEqual([{ part: 'peer-tests', reason: "5 of 7 testers can't reach port 22021" }])
})
