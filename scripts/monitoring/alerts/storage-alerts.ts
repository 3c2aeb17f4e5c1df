import { metrics } from '../catalogue.ts'
import { duration } from '../pace.ts'
import { above, below, createQueries, is } from '../queries.ts'
import { falling, growing, observations, sample, steady } from '../samples.ts'
import { type Alert, DAY_S, HOUR_S, MINUTE_S } from './alert.ts'

const { node, storage } = metrics
const { value, increase, predicted, quantile } = createQueries()
const GIB = 1024 ** 3

/** The bounds that are the operator's to raise; an account's own are not. */
const NODE_BOUNDS = ['total_bytes', 'disk'] as const

/** Messages on disk. */
export const storageAlerts = {
  StarlingStorageFull: {
    severity: 'critical',
    holdS: 0,
    condition: ({ window }) =>
      above(increase(storage.full, duration(window(15 * MINUTE_S)), { reason: NODE_BOUNDS }), 0),
    summary: 'refuses messages for want of room',
    description: 'Its bound of all messages, or its disk, is full. Reads and deletions go on.',
    firing: [sample(storage.full, growing(2), { reason: 'disk' })],
    firingLabels: { reason: 'disk' },
    quiet: [sample(storage.full, growing(2), { reason: 'account_bytes' })],
  },
  StarlingStorageShort: {
    severity: 'warning',
    holdS: 15 * MINUTE_S,
    condition: () => is(value(node.trouble, { part: 'storage', effect: 'degraded' }), 1),
    summary: 'has little room left for messages',
    description: 'Less than a tenth of its bound is left, on the disk or of the bound itself.',
    firing: [sample(node.trouble, steady(1), { part: 'storage', effect: 'degraded' })],
    firingLabels: { part: 'storage', effect: 'degraded' },
    quiet: [sample(node.trouble, steady(1), { part: 'rewards', effect: 'degraded' })],
  },
  StarlingStorageFilling: {
    severity: 'info',
    holdS: HOUR_S,
    condition: ({ window, age }) => below(predicted(storage.room, duration(window(6 * HOUR_S)), age(3 * DAY_S)), 0),
    summary: 'will have no room for messages within three days',
    description: 'If messages come and go as in the last six hours.',
    firing: [sample(storage.room, falling(2 * GIB, GIB / 1024))],
    quiet: [sample(storage.room, falling(9 * GIB, GIB / 1024))],
  },
  StarlingDiskSlow: {
    severity: 'warning',
    holdS: 10 * MINUTE_S,
    condition: ({ window }) =>
      above(quantile(0.99, storage.commit, duration(window(10 * MINUTE_S)), ['instance']), 0.5),
    summary: 'waits long for its disk',
    description: 'One flush in a hundred takes longer than half a second, and stores wait for it.',
    firing: [...observations(storage.commit, 2, 60)],
    quiet: [...observations(storage.commit, 0.5, 60)],
  },
} satisfies Record<string, Alert>
