import type { AlertName } from '../../../scripts/monitoring/alerts/all-alerts.ts'
import { chainDrills } from './chain-drills.ts'
import type { Drill } from './drill.ts'
import { machineDrills } from './machine-drills.ts'
import { operatorDrills } from './operator-drills.ts'
import { stakeDrills } from './stake-drills.ts'
import { storageDrills } from './storage-drills.ts'
import { swarmDrills } from './swarm-drills.ts'

const [clock, slow, cramped, restarts] = machineDrills
const [unstaked, leaving] = stakeDrills
const [liar, outage, standstill, otherCode] = chainDrills
const [filling, alone, slowDisk] = storageDrills
const [refused, unwatched] = operatorDrills
const [hidden, empty, killed, killedFive] = swarmDrills

/** What goes wrong at the same time, on different nodes, so that all of it takes minutes; the rows come one after another. */
export const DRILLS = [
  [clock, cramped, unstaked],
  [hidden, otherCode],
  [leaving, slow, liar],
  [unwatched],
  [filling, refused],
  [slowDisk, outage],
  [standstill, restarts],
  [empty],
  [alone],
  [killed],
  [killedFive],
] as const satisfies readonly (readonly Drill[])[]

type Drilled = (typeof DRILLS)[number][number]['alerts'][number]

/** Compiles as long as no alert is without a drill. */
export const UNDRILLED: readonly Exclude<AlertName, Drilled>[] = [] satisfies readonly never[]
