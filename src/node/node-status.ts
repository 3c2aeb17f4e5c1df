import type { Logger } from '../base/logger.ts'
import type { Timers } from '../base/timers.ts'
import type { AdminStatus } from './admin-routes.ts'
import { createStatusComposer } from './status-composer.ts'
import { type PeersComponents, readPeers } from './status-peers.ts'
import { settingsDocument } from './status-settings.ts'
import { createStatusSources, type StatusSourcesComponents, type StatusSourcesOptions } from './status-sources.ts'
import { readSwarm } from './status-swarm.ts'

export interface NodeStatusComponents extends StatusSourcesComponents {
  readonly peers: StatusSourcesComponents['peers'] & PeersComponents['peers']
  readonly tests: StatusSourcesComponents['tests'] & PeersComponents['tests']
  readonly statusLog: Logger
  readonly timers?: Timers
  /** All options as they are configured now, and as they count. */
  readonly currentOptions: () => { readonly configured: object; readonly effective: object }
}

/** All that a running node tells of itself, from its parts as they are. */
export function createNodeStatus(components: NodeStatusComponents, options: StatusSourcesOptions): AdminStatus {
  const sources = createStatusSources(components, options)
  return {
    status: createStatusComposer({ ...components, sources, log: components.statusLog }),
    peers: (countMax) => readPeers(components, countMax),
    swarm: () => readSwarm(components),
    settings: () => {
      const { configured, effective } = components.currentOptions()
      return settingsDocument(configured, effective)
    },
  }
}
