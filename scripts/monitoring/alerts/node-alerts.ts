import { metrics } from '../catalogue.ts'
import { duration } from '../pace.ts'
import { above, absent, createQueries, is, magnitude, ratio, UP } from '../queries.ts'
import { gone, growing, phases, sample, steady, up } from '../samples.ts'
import { type Alert, MINUTE_S } from './alert.ts'

const { node, peerTests, process } = metrics
const { value, changes } = createQueries()
const MIB = 1024 * 1024
const REFUSED = { part: 'configuration', effect: 'degraded' } as const

/** The process, its machine, and whether it serves at all. */
export const nodeAlerts = {
  StarlingDown: {
    severity: 'critical',
    holdS: 2 * MINUTE_S,
    condition: () => is(UP, 0),
    summary: 'does not answer',
    description:
      'Prometheus cannot read the metrics of this node: the process has ended, the machine is down, or it hangs.',
    firing: [up(steady(0))],
    quiet: [up(steady(1))],
  },
  StarlingUnwatched: {
    severity: 'critical',
    // Longer than Prometheus takes to find its targets after a start.
    holdS: 5 * MINUTE_S,
    // Of a target that is not there, nothing is up and nothing is down.
    condition: () => absent(UP),
    subject: 'Prometheus',
    summary: 'has no node to watch',
    description: 'Its job `starling` has no target, so that no other alert can fire, whatever happens to the nodes.',
    firing: [up(gone)],
    quiet: [up(steady(0))],
  },
  StarlingNotReady: {
    severity: 'critical',
    // A start takes seconds, the first fetching of a swarm's messages minutes.
    holdS: 5 * MINUTE_S,
    condition: () => is(value(node.ready), 0),
    summary: 'runs, but does not serve clients',
    description: 'Why, and what to do, is in `reasons` of /readyz.',
    firing: [sample(node.ready, steady(0))],
    quiet: [sample(node.ready, phases({ value: 0, minutes: 4 }, { value: 1 }))],
  },
  StarlingRestarts: {
    severity: 'warning',
    holdS: 0,
    // An update is one restart, or two when it is taken back.
    condition: ({ window }) => above(changes(process.startTime, duration(window(30 * MINUTE_S))), 2),
    summary: 'keeps restarting',
    description:
      'It was started three times or more within half an hour. The last lines before each end are in its log.',
    firing: [sample(process.startTime, growing(1))],
    quiet: [sample(process.startTime, phases({ value: 1, minutes: 20 }, { value: 2 }))],
  },
  StarlingClockWrong: {
    severity: 'warning',
    holdS: 5 * MINUTE_S,
    // From two minutes on, the node stops serving.
    condition: () => above(magnitude(value(peerTests.clockOffset)), 30),
    summary: 'has a wrong clock',
    description:
      'Other members and the chain say another time, by more than 30 s. From 2 minutes on, the node does not serve.',
    firing: [sample(peerTests.clockOffset, steady(-45))],
    quiet: [sample(peerTests.clockOffset, steady(29))],
  },
  StarlingOverloaded: {
    severity: 'warning',
    holdS: 2 * MINUTE_S,
    // As the node itself judges: it refuses new requests from there on.
    condition: () => above(value(node.eventLoopDelay), 0.25),
    summary: 'has more to do than its machine can',
    description: 'Its event loop runs more than a quarter of a second late, and new requests are refused.',
    firing: [sample(node.eventLoopDelay, steady(0.4))],
    quiet: [sample(node.eventLoopDelay, steady(0.2))],
  },
  StarlingMemoryShort: {
    severity: 'warning',
    holdS: 10 * MINUTE_S,
    condition: () => above(ratio(value(process.residentMemory), value(process.memoryLimit)), 0.9),
    summary: 'has nearly all the memory that there is for it',
    description: 'The kernel ends it when it needs more.',
    firing: [sample(process.residentMemory, steady(480 * MIB)), sample(process.memoryLimit, steady(512 * MIB))],
    quiet: [sample(process.residentMemory, steady(400 * MIB)), sample(process.memoryLimit, steady(512 * MIB))],
  },
  StarlingFilesShort: {
    severity: 'warning',
    holdS: 5 * MINUTE_S,
    condition: () => above(ratio(value(process.openFiles), value(process.openFilesMax)), 0.8),
    summary: 'has nearly as many open files and connections as it may',
    description: 'Without file descriptors it can take no connection and open no table of its database.',
    firing: [sample(process.openFiles, steady(900)), sample(process.openFilesMax, steady(1024))],
    // Where the system does not tell, both are zero.
    quiet: [sample(process.openFiles, steady(0)), sample(process.openFilesMax, steady(0))],
  },
  StarlingConfigurationRefused: {
    severity: 'warning',
    // Who has just changed it reads the answer, and needs a moment to mend it.
    holdS: 5 * MINUTE_S,
    condition: () => above(value(node.trouble, { part: 'configuration' }), 0),
    summary: 'has refused its changed configuration',
    description:
      'It goes on with the one before, and its next start would fail. What is wrong, `starling config validate` says.',
    firing: [sample(node.trouble, steady(1), REFUSED)],
    firingLabels: REFUSED,
    quiet: [
      sample(node.trouble, phases({ value: 1, minutes: 4 }, { value: 0 }), REFUSED),
      sample(node.trouble, steady(1), { part: 'restart', effect: 'degraded' }),
    ],
  },
} satisfies Record<string, Alert>
