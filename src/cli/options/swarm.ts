import { DAY } from '../../base/clock.ts'
import { defaultSwarmOptions as defaults, type SwarmOptions } from '../../swarm/options.ts'
import type { OptionGroup } from './option-group.ts'

export type SwarmArgs = {
  'swarm.sizeMin': number
  'swarm.unlockDays': number
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
  },
  parse: (args) => ({
    ...defaults,
    sizeMin: args['swarm.sizeMin'],
    unlockMs: args['swarm.unlockDays'] * DAY,
  }),
}
