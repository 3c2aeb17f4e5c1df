import type { NodeStatus } from '../../node/status.ts'
import type { TrafficDocument } from '../../node/traffic-history.ts'
import type { AdminClient } from '../admin-client.ts'

/** What the running node says at one moment. */
export interface Look {
  readonly status: NodeStatus
  readonly traffic: TrafficDocument
}

export async function lookAt(node: Pick<AdminClient, 'status' | 'traffic'>, signal: AbortSignal): Promise<Look> {
  const [status, traffic] = await Promise.all([node.status(signal), node.traffic(signal)])
  return { status, traffic }
}

/** For scripts, which keep what came before themselves. */
export function resultOf({ status, traffic }: Look): Readonly<Record<string, unknown>> {
  return { version: 1, status, traffic: traffic.samples.at(-1) ?? null }
}
