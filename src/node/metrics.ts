import type { MetricsRegister, MetricsRegistry } from '../base/metrics.ts'
import type { HealthPart, HealthReason } from './health.ts'

/** Whether what is wrong keeps the node from serving, or only makes it less than it should be. */
export type TroubleEffect = 'not-ready' | 'degraded'

const HEALTH_PARTS = Object.keys({
  chain: true,
  providers: true,
  contract: true,
  stake: true,
  membership: true,
  swarm: true,
  network: true,
  storage: true,
  contents: true,
  rewards: true,
  'peer-tests': true,
  clock: true,
  configuration: true,
  restart: true,
  'life-cycle': true,
} satisfies Record<HealthPart, true>) as readonly HealthPart[]

export function createNodeMetrics(register: MetricsRegister) {
  return {
    eventLoopDelay: register.gauge({
      name: 'starling_node_event_loop_delay_seconds',
      help: 'Median delay of the event loop in the last second; when it stays above a quarter of a second, new requests are refused',
    }),
    ready: register.gauge({
      name: 'starling_node_ready',
      help: 'Whether this node serves clients, as `/readyz` says (0 or 1)',
    }),
    trouble: register.gauge<{ part: HealthPart; effect: TroubleEffect }>({
      name: 'starling_node_trouble',
      help: 'Whether something is wrong with this part, as `/readyz` says in words (0 or 1)',
      labelNames: ['part', 'effect'],
    }),
    build: register.gauge<{ version: string; runtime: string }>({
      name: 'starling_node_build_info',
      help: '1, with the versions of this software and of Node.js',
      labelNames: ['version', 'runtime'],
    }),
  }
}

export type NodeMetrics = ReturnType<typeof createNodeMetrics>

interface HealthView {
  reasons(): readonly HealthReason[]
  degraded(): readonly HealthReason[]
}

/** Says with each exposition how the node is. The words stay in `/readyz`: as labels they would be series without end. */
export function exposeHealth(
  metrics: Pick<NodeMetrics, 'ready' | 'trouble'>,
  registry: Pick<MetricsRegistry, 'beforeExpose'>,
  health: HealthView,
): Disposable {
  return registry.beforeExpose(() => {
    const reasons = health.reasons()
    metrics.ready.set(reasons.length === 0 ? 1 : 0)
    setTroubles(metrics, 'not-ready', reasons)
    setTroubles(metrics, 'degraded', health.degraded())
  })
}

function setTroubles(
  { trouble }: Pick<NodeMetrics, 'trouble'>,
  effect: TroubleEffect,
  reasons: readonly HealthReason[],
): void {
  const troubled = new Set(reasons.map(({ part }) => part))
  for (const part of HEALTH_PARTS) trouble.set(troubled.has(part) ? 1 : 0, { part, effect })
}
