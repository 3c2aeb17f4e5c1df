import { expect, test } from 'vitest'
import { HOUR } from '../../../src/base/clock.ts'
import { createReadiness, type Phase } from '../../../src/node/readiness.ts'
import { parseServiceNodeKey, type ServiceNodeKey, type Swarm } from '../../../src/protocol/service-node.ts'
import { type OwnStakeState, unreachableState } from '../../../src/staking/own-stake-state.ts'

const SELF = parseServiceNodeKey('11'.repeat(32)) as ServiceNodeKey
const OTHER = parseServiceNodeKey('22'.repeat(32)) as ServiceNodeKey
const BLS = 'b1'.repeat(64)
const ACTIVE = { kind: 'active', sentence: 'Registered.', nextCommand: undefined } as OwnStakeState

/** A member that serves, but for what the test changes. */
function aNode(
  changes: {
    listed?: readonly { readonly key: ServiceNodeKey; readonly bls: string }[]
    hasEpoch?: boolean
    swarm?: Swarm | undefined
    stake?: OwnStakeState
    contacts?: number
    writable?: boolean
    lastError?: string
    headAgeMs?: number
    phase?: Phase
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
    chain: { status: () => ({ lastError: changes.lastError, headAgeMs: changes.headAgeMs }) },
    stake: { state: () => changes.stake ?? ACTIVE },
    messages: { health: () => ({ writable: changes.writable ?? true, reason: 'The disk failed' }) },
    peers: { records: () => Array.from({ length: changes.contacts ?? 2 }) },
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
    ...{ chain: { status: () => ({ lastError: undefined, headAgeMs: 0 }) }, stake: { state: () => ACTIVE } },
    ...{ messages: { health: () => ({ writable: true }) }, peers: { records: () => [1, 2] } },
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
  const node = aNode({ stake, lastError: 'PROVIDERS_UNAVAILABLE' })
  expect(node.reasons()).toEqual([])
  expect(node.degraded()).toMatchObject([
    { part: 'chain', reason: expect.stringMatching(/PROVIDERS_UNAVAILABLE.*staking\.rpcUrls/) },
  ])
})

test('a chain that stands still is told once blocks ought to have become final', () => {
  expect(aNode({ headAgeMs: HOUR }).degraded()).toEqual([])
  expect(aNode({ headAgeMs: 2 * HOUR }).degraded()).toMatchObject([
    { part: 'chain', reason: expect.stringContaining('120 minutes old') },
  ])
})
