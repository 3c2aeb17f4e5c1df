import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import type { Section, TrafficFacts } from '../../../src/node/status.ts'
import {
  createTrafficHistory,
  defaultTrafficHistoryOptions,
  isTrafficDocument,
} from '../../../src/node/traffic-history.ts'

const NOW_MS = 1_700_000_000_000
const NONE = { store: 0, retrieve: 0, change: 0, lookup: 0, batch: 0, unknown: 0 }
const nothing: TrafficFacts = {
  ...{ atMs: 0, requests: NONE, refused: { client: 0, swarm: 0, node: 0 }, rejected: 0 },
  onion: { relayed: 0, final: 0, outside: 0, failed: 0 },
  ...{ stores: 0, retrieves: 0, bytesIn: 0, bytesOut: 0, connections: 0, requestsInFlight: 0, peerRequests: 0 },
  ...{ storedMessages: 0, storedBytes: 0, chainLagMs: null, eventLoopDelayMs: 0 },
}

function setup(samplesMax = 10) {
  let facts: TrafficFacts | undefined = nothing
  const section = (): Section<TrafficFacts> =>
    facts === undefined ? { state: 'silent', reason: 'It does not answer in time' } : { state: 'known', facts }
  const status = async () => ({ sections: { traffic: section() } })
  const components = { status, clock: { nowMs: () => NOW_MS }, log: silentLogger }
  // Whatever is due by itself is due after the test.
  const history = createTrafficHistory(components, { sampleIntervalMs: 3_600_000, samplesMax })
  const sampleAt = async (told: Partial<TrafficFacts> | undefined) => {
    facts = told === undefined ? undefined : { ...nothing, ...told }
    await history.sampleNow()
  }
  return { history, sampleAt }
}

test('counters become rates of the time between two samples', async () => {
  const { history, sampleAt } = setup()
  await using _ = history
  await sampleAt({})
  expect(history.samples()).toEqual([])
  await sampleAt({
    atMs: 20_000,
    requests: { ...NONE, store: 10, retrieve: 30 },
    refused: { client: 4, swarm: 1, node: 1 },
    rejected: 14,
    onion: { relayed: 100, final: 6, outside: 2, failed: 9 },
    ...{ stores: 8, retrieves: 30, bytesIn: 40_000, bytesOut: 2_000, connections: 7, storedBytes: 5_000 },
    ...{ chainLagMs: 12_000, eventLoopDelayMs: 3 },
  })
  expect(history.samples()).toEqual([
    {
      atMs: NOW_MS,
      ...{ requestsPerS: 2, refusedPerS: 1, relayedPerS: 5, deliveredPerS: 0.4, storesPerS: 0.4, retrievesPerS: 1.5 },
      ...{ bytesInPerS: 2_000, bytesOutPerS: 100, connections: 7, storedBytes: 5_000 },
      ...{ chainLagMs: 12_000, eventLoopDelayMs: 3 },
    },
  ])
})

test('the oldest samples go, so that a node that runs for years remembers an hour', async () => {
  const { history, sampleAt } = setup(3)
  await using _ = history
  for (let at = 0; at <= 8; at++) await sampleAt({ atMs: at * 1000, stores: at * at })
  expect(history.samples().map(({ storesPerS }) => storesPerS)).toEqual([11, 13, 15])
  const { sampleIntervalMs, samplesMax } = defaultTrafficHistoryOptions
  expect(sampleIntervalMs * samplesMax).toBe(3_600_000)
})

test('where the counters cannot be told, the next sample is of the whole time since', async () => {
  const { history, sampleAt } = setup()
  await using _ = history
  await sampleAt({})
  await sampleAt(undefined)
  await sampleAt({ atMs: 40_000, stores: 20 })
  expect(history.samples().map(({ storesPerS }) => storesPerS)).toEqual([0.5])
})

test('two looks at the same moment are one', async () => {
  const { history, sampleAt } = setup()
  await using _ = history
  await sampleAt({ atMs: 5 })
  await sampleAt({ atMs: 5 })
  expect(history.samples()).toEqual([])
})

test('what another version answers is not taken for a history', () => {
  const sample = { atMs: 1 }
  expect(isTrafficDocument({ version: 1, sampleIntervalMs: 10, samples: [sample] })).toBe(true)
  for (const other of [null, 7, {}, { version: 2, samples: [] }, { version: 1, samples: [1] }, { version: 1 }]) {
    expect(isTrafficDocument(other)).toBe(false)
  }
})
