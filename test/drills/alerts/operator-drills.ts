import type { DevnetNode } from '../../../devnet/network.ts'
import type { Drill } from './drill.ts'
import { reconfigure } from './field.ts'

const RELOADED_NODE = 4
const MISSPELT = 'rpc.conectionsMax'

/** What operators do to what is sound. */
export const operatorDrills = [
  {
    fault: 'the node is told to read a configuration in which a key is misspelt',
    node: RELOADED_NODE,
    alerts: ['StarlingConfigurationRefused'],
    async provoke(field) {
      const node = field.node(RELOADED_NODE)
      reconfigure(node, { [MISSPELT]: 1000 })
      reload(node)
      return undefined
    },
    async mend(field) {
      const node = field.node(RELOADED_NODE)
      reconfigure(node, { [MISSPELT]: undefined })
      reload(node)
    },
  },
  {
    fault: 'all targets are taken from Prometheus',
    node: 'none',
    alerts: ['StarlingUnwatched'],
    async provoke({ prometheus }) {
      prometheus.scrape(new Map())
      return undefined
    },
    async mend(field) {
      field.scrapeAllBut(field.newcomer.node)
    },
  },
] as const satisfies readonly Drill[]

function reload({ runner }: DevnetNode): void {
  if (runner.pid === undefined) throw new Error('The node does not run')
  process.kill(runner.pid, 'SIGHUP')
}
