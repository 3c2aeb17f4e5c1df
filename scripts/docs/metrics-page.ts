import type { MetricsRegister } from '../../src/base/metrics.ts'
import { createNetworkMetrics } from '../../src/network/metrics.ts'
import { createNodeMetrics } from '../../src/node/metrics.ts'
import { createOnionRelayMetrics } from '../../src/onion-relay/metrics.ts'
import { createPeerTestsMetrics } from '../../src/peer-tests/metrics.ts'
import { createRpcMetrics } from '../../src/rpc/metrics.ts'
import { createStakingMetrics } from '../../src/staking/metrics.ts'
import { createRewardsMetrics } from '../../src/staking/rewards/metrics.ts'
import { createSignatureMetrics } from '../../src/staking/signatures/metrics.ts'
import { createStorageMetrics } from '../../src/storage/metrics.ts'
import { createSwarmMetrics } from '../../src/swarm/metrics.ts'
import { code, generatedNote, table } from './markdown.ts'

const PARTS: Readonly<Record<string, (register: MetricsRegister) => unknown>> = {
  network: createNetworkMetrics,
  storage: createStorageMetrics,
  staking: (register) =>
    [createStakingMetrics, createRewardsMetrics, createSignatureMetrics].map((create) => create(register)),
  swarm: createSwarmMetrics,
  'onion-relay': createOnionRelayMetrics,
  rpc: createRpcMetrics,
  'peer-tests': createPeerTestsMetrics,
  node: createNodeMetrics,
}

interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

/** docs/metrics.md: every metric that a node exposes. */
export function metricsPage(): string {
  return `${[
    '# Metrics',
    generatedNote("each part's metrics.ts"),
    'A node serves these in Prometheus text form at `http://127.0.0.1:9100/metrics` (options `metrics.address` and `metrics.port`), with `/livez` and `/readyz` beside it. No label names a client, an account, a message or a path.',
    ...Object.entries(PARTS).map(([part, create]) => `## ${part}\n\n${metricsTable(metricsOf(create))}`),
  ].join('\n\n')}\n`
}

function metricsTable(metrics: readonly Metric[]): string {
  return table(
    ['name', 'type', 'labels', 'meaning'],
    metrics.map(({ name, type, labels, help }) => [code(name), type, labels.map(code).join(', '), help]),
  )
}

/** What a part declares when it is given a register that only writes down. */
function metricsOf(create: (register: MetricsRegister) => unknown): readonly Metric[] {
  const metrics: Metric[] = []
  const declare =
    (type: Metric['type']) =>
    ({ name, help, labelNames = [] }: { name: string; help: string; labelNames?: readonly string[] }) => {
      metrics.push({ name, type, labels: labelNames, help })
      const ignore = () => {}
      return { inc: ignore, add: ignore, set: ignore, observe: ignore }
    }
  create({ counter: declare('counter'), gauge: declare('gauge'), histogram: declare('histogram') })
  return metrics
}
