import { afterEach, expect, test } from 'vitest'
import type { Clock, DurationMs } from '../../../src/base/clock.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { type Logger, silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { PeerProtocol, PeerRequester } from '../../../src/protocol/peer-api/peer-request.ts'
import { PeerRequestError, type PeerRequestErrorCode } from '../../../src/protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { createSwarmMetrics } from '../../../src/swarm/metrics.ts'
import { defaultSwarmOptions, type SwarmOptions } from '../../../src/swarm/options.ts'
import { createReplication } from '../../../src/swarm/replication.ts'
import { accountAt, someMembers } from './member-lists.ts'

const account = accountAt(1n)
const payload = Buffer.from('a forwarded request')
const [alice, bob, carol] = someMembers(3).map(({ key }) => key) as [ServiceNodeKey, ServiceNodeKey, ServiceNodeKey]

type Behaviour = (request: Request) => Promise<Uint8Array>
interface Request {
  peer: ServiceNodeKey
  protocol: PeerProtocol
  payload: Uint8Array
  timeoutMs: DurationMs
  signal: AbortSignal | undefined
}

const answering: Behaviour = async ({ peer }) => Buffer.from(`answer of ${peer}`)
const silent: Behaviour = ({ signal }) =>
  new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
const deaf: Behaviour = () => new Promise(() => {})
const failing =
  (code: PeerRequestErrorCode): Behaviour =>
  async () => {
    throw new PeerRequestError(code, 'as the test wants')
  }

const warnings: Error[] = []
const noteWarning = (warning: Error) => warnings.push(warning)
process.on('warning', noteWarning)
afterEach(() => expect(warnings.splice(0)).toEqual([]))

/** Replication among the peers named, each with its behaviour, which a test may change on the way. */
function replicationAmong(
  behaviours: Map<ServiceNodeKey, Behaviour>,
  { clock = systemClock, log = silentLogger, ...changes }: Partial<SwarmOptions> & { clock?: Clock; log?: Logger } = {},
) {
  const requests: Request[] = []
  const peers: PeerRequester = {
    request(peer, protocol, bytes, { timeoutMs, signal }) {
      const request = { peer, protocol, payload: bytes, timeoutMs, signal }
      requests.push(request)
      return (behaviours.get(peer) ?? failing('PEER_UNKNOWN'))(request)
    },
  }
  const registry = createMetricsRegistry()
  const replication = createReplication(
    {
      peers,
      membership: { replicas: () => [...behaviours.keys()] },
      clock,
      log,
      metrics: createSwarmMetrics(registry),
    },
    { ...defaultSwarmOptions, ...changes },
  )
  return { replication, requests, registry }
}

function settableClock() {
  let nowMs = 0
  return {
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs } satisfies Clock,
    advance: (ms: number) => {
      nowMs += ms
    },
  }
}

test('every other member gets the same payload at once, and its answer is handed back', async () => {
  const { replication, requests } = replicationAmong(
    new Map([
      [alice, answering],
      [bob, answering],
    ]),
  )
  const outcomes = await replication.forward(account, payload)
  expect([...outcomes]).toEqual([
    [alice, { kind: 'answered', payload: Buffer.from(`answer of ${alice}`) }],
    [bob, { kind: 'answered', payload: Buffer.from(`answer of ${bob}`) }],
  ])
  expect(requests.map(({ peer, protocol }) => [peer, protocol])).toEqual([
    [alice, 'forward'],
    [bob, 'forward'],
  ])
  for (const request of requests) expect(request.payload).toBe(payload)
})

test('members are asked at the same time: none waits for another', async () => {
  const arrivals: ServiceNodeKey[] = []
  const everyoneArrived = Promise.withResolvers<Uint8Array>()
  const together: Behaviour = ({ peer }) => {
    arrivals.push(peer)
    if (arrivals.length === 3) everyoneArrived.resolve(payload)
    return everyoneArrived.promise
  }
  const { replication } = replicationAmong(new Map([alice, bob, carol].map((peer) => [peer, together])))
  await replication.forward(account, payload)
  expect(arrivals).toEqual([alice, bob, carol])
})

test('an account without other members needs nobody', async () => {
  const { replication } = replicationAmong(new Map())
  expect(await replication.forward(account, payload)).toEqual(new Map())
})

test.for([
  ['PEER_UNKNOWN', 'unreachable', 'unknown'],
  ['PEER_UNREACHABLE', 'unreachable', 'unreachable'],
  ['PEER_BUSY', 'unreachable', 'busy'],
  ['PEER_FAILED', 'unreachable', 'failed'],
  ['PEER_TIMEOUT', 'timeout', 'timeout'],
] as const)(
  'a member that ends with %s counts as %s, and the others are not hindered',
  async ([code, kind, outcome]) => {
    const { replication, registry } = replicationAmong(
      new Map([
        [alice, failing(code)],
        [bob, answering],
      ]),
    )
    const outcomes = await replication.forward(account, payload)
    expect(outcomes.get(alice)).toEqual({ kind })
    expect(outcomes.get(bob)?.kind).toBe('answered')
    const text = await registry.expose()
    expect(text).toContain(`starling_swarm_forwards_total{outcome="${outcome}"} 1`)
    expect(text).toContain('starling_swarm_forwards_total{outcome="answered"} 1')
    expect(text).toContain('starling_swarm_forward_duration_seconds_count 2')
    expect(text).toContain('starling_swarm_forwards_in_flight 0')
  },
)

test.for([
  ['one that gives up with the signal', silent],
  ['one that never settles', deaf],
] as const)('a member without an answer is a timeout after its wait, even %s', async ([, behaviour]) => {
  const members = new Map(someMembers(20).map(({ key }) => [key, behaviour]))
  const { replication, registry } = replicationAmong(members.set(alice, answering), { forwardTimeoutMs: 5 })
  const outcomes = await replication.forward(account, payload)
  expect(outcomes.get(alice)?.kind).toBe('answered')
  expect(outcomes.get(bob)).toEqual({ kind: 'timeout' })
  expect(await registry.expose()).toContain('starling_swarm_forwards_total{outcome="timeout"} 19')
})

test('when the client goes, members without an answer are timeouts that nobody is blamed for', async () => {
  const { replication, requests, registry } = replicationAmong(new Map([[bob, silent]]), {
    forwardTimeoutsToShorten: 1,
  })
  const client = new AbortController()
  const forwarded = replication.forward(account, payload, client.signal)
  client.abort()
  expect((await forwarded).get(bob)).toEqual({ kind: 'timeout' })
  expect(await registry.expose()).toContain('starling_swarm_forwards_total{outcome="abandoned"} 1')

  const again = new AbortController()
  const next = replication.forward(account, payload, again.signal)
  expect(requests.at(-1)?.timeoutMs).toBe(defaultSwarmOptions.forwardTimeoutMs)
  again.abort()
  await next
})

test('an error that nobody foresaw is logged, and forwarding does not reject', async () => {
  const sentences: string[] = []
  const log: Logger = { ...silentLogger, error: (_facts, sentence) => sentences.push(sentence) }
  const throwing: Behaviour = () => {
    throw new TypeError('a bug')
  }
  const { replication } = replicationAmong(new Map([[alice, throwing]]), { log })
  expect(await replication.forward(account, payload)).toEqual(new Map([[alice, { kind: 'unreachable' }]]))
  expect(sentences).toEqual(['Forwarding a request failed in an unforeseen way'])
})

test('a member with too many requests under way is skipped, and others are not', async () => {
  const answer = Promise.withResolvers<Uint8Array>()
  const behaviours = new Map<ServiceNodeKey, Behaviour>([[alice, () => answer.promise]])
  const { replication, requests, registry } = replicationAmong(behaviours, { forwardsPerMemberMax: 2 })
  const waiting = [replication.forward(account, payload), replication.forward(account, payload)]
  behaviours.set(bob, answering)
  const third = await replication.forward(account, payload)
  expect([...third.values()].map(({ kind }) => kind)).toEqual(['unreachable', 'answered'])
  expect(requests.filter(({ peer }) => peer === alice)).toHaveLength(2)
  expect(await registry.expose()).toContain('starling_swarm_forwards_total{outcome="shed"} 1')

  answer.resolve(payload)
  await Promise.all(waiting)
  expect((await replication.forward(account, payload)).get(alice)?.kind).toBe('answered')
})

test('all requests under way together are bounded, and slots come back however requests end', async () => {
  const behaviours = new Map<ServiceNodeKey, Behaviour>([
    [alice, failing('PEER_UNREACHABLE')],
    [bob, answering],
    [carol, answering],
  ])
  const { replication } = replicationAmong(behaviours, { forwardsMax: 2 })
  for (let round = 0; round < 3; round++) {
    const outcomes = await replication.forward(account, payload)
    expect([...outcomes.values()].map(({ kind }) => kind)).toEqual(['unreachable', 'answered', 'unreachable'])
  }
})

test('a member that times out again and again is waited for less, but asked every time', async () => {
  const { clock, advance } = settableClock()
  const timingOut: Behaviour = async ({ timeoutMs }) => {
    advance(timeoutMs)
    throw new PeerRequestError('PEER_TIMEOUT', 'as the test wants')
  }
  const { replication, requests, registry } = replicationAmong(new Map([[alice, timingOut]]), { clock })
  for (let round = 0; round < 9; round++) await replication.forward(account, payload)
  expect(requests.map(({ timeoutMs }) => timeoutMs)).toEqual([5000, 5000, 5000, 2500, 1250, 625, 500, 500, 500])
  expect(await registry.expose()).toContain('starling_swarm_slow_members 1')
})

test('one answer restores the full wait', async () => {
  const { clock, advance } = settableClock()
  const timingOut: Behaviour = async () => {
    advance(5000)
    throw new PeerRequestError('PEER_TIMEOUT', 'as the test wants')
  }
  const behaviours = new Map([[alice, timingOut]])
  const { replication, requests, registry } = replicationAmong(behaviours, { clock })
  for (let round = 0; round < 3; round++) await replication.forward(account, payload)
  behaviours.set(alice, answering)
  await replication.forward(account, payload)
  await replication.forward(account, payload)
  expect(requests.slice(-2).map(({ timeoutMs }) => timeoutMs)).toEqual([2500, 5000])
  expect(await registry.expose()).toContain('starling_swarm_slow_members 0')
})

test('a member that is slow but alive gets the full wait now and then, one request at a time', async () => {
  const { clock, advance } = settableClock()
  const timingOut: Behaviour = async ({ timeoutMs }) => {
    advance(timeoutMs)
    throw new PeerRequestError('PEER_TIMEOUT', 'as the test wants')
  }
  const { replication, requests } = replicationAmong(new Map([[alice, timingOut]]), { clock })
  for (let round = 0; round < 7; round++) await replication.forward(account, payload)
  advance(defaultSwarmOptions.forwardFullWaitIntervalMs)
  for (let round = 0; round < 2; round++) await replication.forward(account, payload)
  expect(requests.slice(-2).map(({ timeoutMs }) => timeoutMs)).toEqual([5000, 500])
})

test('requests that time out together count once: a short pause under load does not shorten the wait', async () => {
  const { clock, advance } = settableClock()
  const release = Promise.withResolvers<never>()
  const behaviours = new Map<ServiceNodeKey, Behaviour>([[alice, () => release.promise]])
  const { replication, requests } = replicationAmong(behaviours, { clock })
  const together = Array.from({ length: 10 }, () => replication.forward(account, payload))
  advance(5000)
  release.reject(new PeerRequestError('PEER_TIMEOUT', 'as the test wants'))
  await Promise.all(together)
  behaviours.set(alice, answering)
  await replication.forward(account, payload)
  expect(requests.at(-1)?.timeoutMs).toBe(5000)
})

test('the slow members that are remembered are bounded, whoever comes and goes', async () => {
  const members = someMembers(300).map(({ key }) => [key, failing('PEER_TIMEOUT')] as const)
  const { replication, registry } = replicationAmong(new Map(members), { forwardTimeoutsToShorten: 1 })
  await replication.forward(account, payload)
  expect(await registry.expose()).toContain('starling_swarm_slow_members 256')
})
