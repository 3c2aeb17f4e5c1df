import type { MetricsRegister } from '../../src/base/metrics.ts'
import { createNetworkMetrics } from '../../src/network/metrics.ts'
import { createLogMetrics } from '../../src/node/log-metrics.ts'
import { createNodeMetrics } from '../../src/node/metrics.ts'
import { createProcessMetrics } from '../../src/node/process-metrics.ts'
import { createOnionRelayMetrics } from '../../src/onion-relay/metrics.ts'
import { createPeerTestsMetrics } from '../../src/peer-tests/metrics.ts'
import { createRpcMetrics } from '../../src/rpc/metrics.ts'
import { createStakingMetrics } from '../../src/staking/metrics.ts'
import { createRewardsMetrics } from '../../src/staking/rewards/metrics.ts'
import { createSignatureMetrics } from '../../src/staking/signatures/metrics.ts'
import { createStorageMetrics } from '../../src/storage/metrics.ts'
import { createSwarmMetrics } from '../../src/swarm/metrics.ts'

/** A metric as its part declares it. */
export interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
  /** Upper bounds of a histogram; none for others. */
  readonly buckets: readonly number[]
}

const declared = new Map<object, Metric>()

const register: MetricsRegister = {
  counter: declare('counter'),
  gauge: declare('gauge'),
  histogram: declare('histogram'),
}

/**
 * Every metric of a node, made by each part's own function. Documents, dashboards, alerts and their tests name metrics by these
 * objects only, so that one which goes, or whose labels change, does not compile there, and one that is renamed is renamed
 * everywhere.
 */
export const metrics = {
  network: createNetworkMetrics(register),
  storage: createStorageMetrics(register),
  staking: createStakingMetrics(register),
  rewards: createRewardsMetrics(register),
  signatures: createSignatureMetrics(register),
  swarm: createSwarmMetrics(register),
  onionRelay: createOnionRelayMetrics(register),
  rpc: createRpcMetrics(register),
  peerTests: createPeerTestsMetrics(register),
  node: createNodeMetrics(register),
  process: createProcessMetrics(register),
  log: createLogMetrics(register),
}

/** All of them, in the order of their parts. */
export const catalogue: readonly Metric[] = [...declared.values()]

/** What was declared for this object. */
export function metricOf(metric: object): Metric {
  const found = declared.get(metric)
  if (found === undefined) throw new Error('This is no metric of the catalogue')
  return found
}

/** A register that only writes down. */
function declare(type: Metric['type']) {
  return (config: {
    name: string
    help: string
    labelNames?: readonly string[] | undefined
    buckets?: readonly number[]
  }) => {
    const ignore = () => {}
    const handle = { inc: ignore, add: ignore, set: ignore, remove: ignore, observe: ignore }
    const { name, help, labelNames: labels = [], buckets = [] } = config
    declared.set(handle, { name, type, labels, help, buckets })
    return handle
  }
}
