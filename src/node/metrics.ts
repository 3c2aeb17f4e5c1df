import type { MetricsRegister } from '../base/metrics.ts'

export function createNodeMetrics(register: MetricsRegister) {
  return {
    eventLoopDelay: register.gauge({
      name: 'starling_node_event_loop_delay_seconds',
      help: 'Median delay of the event loop in the last second; when it stays above a quarter of a second, new requests are refused',
    }),
  }
}

export type NodeMetrics = ReturnType<typeof createNodeMetrics>
