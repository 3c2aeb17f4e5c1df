import { DAY, SECOND } from '../../base/clock.ts'
import { defaultSwarmOptions as defaults, type SwarmOptions } from '../../swarm/options.ts'
import type { OptionGroup } from './option-group.ts'

export type SwarmArgs = {
  'swarm.sizeMin': number
  'swarm.unlockDays': number
  'swarm.compareIntervalS': number
  'swarm.contentsBytesPerSecondMax': number
  'swarm.joinPatienceS': number
  'swarm.handOverBytesPerSecondMax': number
}

export const swarmOptionGroup: OptionGroup<SwarmArgs, SwarmOptions> = {
  flags: {
    'swarm.sizeMin': {
      type: 'number',
      describe: 'Fewest members of a swarm; the same on every node of a network',
      default: defaults.sizeMin,
      min: 1,
    },
    'swarm.unlockDays': {
      type: 'number',
      describe: 'Days after its exit request that a node still keeps messages; the same on every node of a network',
      default: defaults.unlockMs / DAY,
    },
    'swarm.compareIntervalS': {
      type: 'number',
      describe: 'Seconds, more or less, between two comparisons of what this node holds with what its swarm does',
      default: defaults.comparing.intervalMs / SECOND,
      min: 1,
    },
    'swarm.contentsBytesPerSecondMax': {
      type: 'number',
      describe: 'Bytes a second, at most, that each other member may fetch of what is held here',
      default: defaults.comparing.bytesPerSecondMax,
      min: 1,
    },
    'swarm.joinPatienceS': {
      type: 'number',
      describe:
        'Seconds without progress after which a node that gets accounts answers for what it has of them, because nobody can be asked for the rest',
      default: defaults.joining.patienceMs / SECOND,
      min: 1,
    },
    'swarm.handOverBytesPerSecondMax': {
      type: 'number',
      describe: 'Bytes a second, at most, of messages that are handed over to the members of other swarms',
      default: defaults.handOver.bytesPerSecondMax,
      min: 1,
    },
  },
  parse: (args) => ({
    ...defaults,
    sizeMin: args['swarm.sizeMin'],
    unlockMs: args['swarm.unlockDays'] * DAY,
    comparing: {
      ...defaults.comparing,
      intervalMs: args['swarm.compareIntervalS'] * SECOND,
      bytesPerSecondMax: args['swarm.contentsBytesPerSecondMax'],
    },
    joining: { ...defaults.joining, patienceMs: args['swarm.joinPatienceS'] * SECOND },
    handOver: { ...defaults.handOver, bytesPerSecondMax: args['swarm.handOverBytesPerSecondMax'] },
  }),
}
