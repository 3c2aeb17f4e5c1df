import type { Alert } from './alert.ts'
import { chainAlerts } from './chain-alerts.ts'
import { nodeAlerts } from './node-alerts.ts'
import { storageAlerts } from './storage-alerts.ts'
import { swarmAlerts } from './swarm-alerts.ts'
import { trafficAlerts } from './traffic-alerts.ts'

/** Groups as Prometheus shows them. */
export const ALERT_GROUPS = {
  node: nodeAlerts,
  storage: storageAlerts,
  swarm: swarmAlerts,
  chain: chainAlerts,
  traffic: trafficAlerts,
} as const satisfies Record<string, Readonly<Record<string, Alert>>>

export type AlertName = {
  [G in keyof typeof ALERT_GROUPS]: keyof (typeof ALERT_GROUPS)[G] & string
}[keyof typeof ALERT_GROUPS]

export const ALERTS: Readonly<Record<AlertName, Alert>> = {
  ...nodeAlerts,
  ...storageAlerts,
  ...swarmAlerts,
  ...chainAlerts,
  ...trafficAlerts,
}

export const ALERT_NAMES = Object.keys(ALERTS) as readonly AlertName[]
