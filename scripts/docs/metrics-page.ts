import { catalogue, type Metric } from '../monitoring/catalogue.ts'
import { code, generatedNote, table } from './markdown.ts'

/** As names have them, each with the heading that links lead to. */
const PARTS: readonly (readonly [prefix: string, heading: string])[] = [
  ['network', 'network'],
  ['storage', 'storage'],
  ['staking', 'staking'],
  ['swarm', 'swarm'],
  ['onion_relay', 'onion-relay'],
  ['rpc', 'rpc'],
  ['peer_tests', 'peer-tests'],
  ['node', 'node'],
  ['process', 'process'],
  ['log', 'log'],
]

/** docs/metrics.md: every metric that a node exposes. */
export function metricsPage(): string {
  return `${[
    '# Metrics',
    generatedNote("each part's metrics.ts"),
    'A node serves these in Prometheus text form at `http://127.0.0.1:9100/metrics` (options `metrics.address` and `metrics.port`), with [`/startupz`, `/livez` and `/readyz`](life-cycle.md) beside it. No label names a client, an account, a message or a path, and no label has a value for each service node: a node has some hundreds of series, however large the network is. [Monitoring](monitoring.md) has the dashboards and alerts made of them.',
    ...PARTS.map(([prefix, heading]) => `## ${heading}\n\n${metricsTable(metricsOf(prefix))}`),
  ].join('\n\n')}\n`
}

function metricsOf(prefix: string): readonly Metric[] {
  return catalogue.filter(({ name }) => name.startsWith(`starling_${prefix}_`))
}

function metricsTable(metrics: readonly Metric[]): string {
  return table(
    ['name', 'type', 'labels', 'meaning'],
    metrics.map(({ name, type, labels, help }) => [code(name), type, labels.map(code).join(', '), help]),
  )
}
