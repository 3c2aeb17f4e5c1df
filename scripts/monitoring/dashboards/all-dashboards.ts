import { chainAndStake } from './chain-and-stake.ts'
import type { Dashboard } from './dashboard.ts'
import { grafanaDashboard } from './grafana.ts'
import { onionRelayDashboard } from './onion-relay.ts'
import { overview } from './overview.ts'
import { processDashboard } from './process.ts'
import { swarmAndStorage } from './swarm-and-storage.ts'

export const DASHBOARDS: readonly Dashboard[] = [
  overview,
  swarmAndStorage,
  onionRelayDashboard,
  chainAndStake,
  processDashboard,
]

/** deploy/grafana/dashboards: what Grafana is provisioned with. */
export function dashboardFiles(): readonly (readonly [path: string, content: string])[] {
  return DASHBOARDS.map((dashboard) => [
    `deploy/grafana/dashboards/${dashboard.id}.json`,
    `${JSON.stringify(grafanaDashboard(dashboard), undefined, 2)}\n`,
  ])
}
