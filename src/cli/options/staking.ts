import { SECOND } from '../../base/clock.ts'
import { defaultStakingOptions as defaults, type StakingOptions } from '../../staking/options.ts'
import { CONTRACT_ADDRESS } from './check.ts'
import type { OptionGroup } from './option-group.ts'

export type StakingArgs = {
  'staking.chainId': number
  'staking.contract': string
  'staking.rpcUrls': string[]
  'staking.epochLengthS': number
  'staking.pollIntervalS': number
  'staking.ownStakeIntervalS': number
  'staking.signs': boolean
}

/** `stateFolder` comes from the data folder. */
export const stakingOptionGroup: OptionGroup<StakingArgs, Omit<StakingOptions, 'stateFolder'>> = {
  flags: {
    'staking.chainId': { type: 'number', describe: 'EIP-155 id of the chain; from the network preset', min: 1 },
    'staking.contract': {
      type: 'string',
      describe: 'Address of the staking contract; from the network preset',
      form: CONTRACT_ADDRESS,
    },
    'staking.rpcUrls': {
      type: 'array',
      describe: 'JSON-RPC URLs of the chain, best first; two or more are checked against each other',
    },
    'staking.epochLengthS': {
      type: 'number',
      describe: 'Seconds of an epoch; from the network preset',
      min: 1,
    },
    'staking.pollIntervalS': {
      type: 'number',
      describe: 'Seconds between two looks at the chain',
      default: defaults.pollIntervalMs / SECOND,
      min: 1,
    },
    'staking.ownStakeIntervalS': {
      type: 'number',
      describe: "Seconds between two looks at this node's own stake",
      default: defaults.ownStakeIntervalMs / SECOND,
      min: 1,
    },
    'staking.signs': {
      type: 'boolean',
      describe: 'Sign exits, liquidations and rewards of this contract; off where its members run another program',
      default: defaults.signs,
    },
  },
  parse: (args) => ({
    ...defaults,
    chainId: args['staking.chainId'],
    contract: args['staking.contract'] as `0x${string}`,
    rpcUrls: args['staking.rpcUrls'],
    epochLengthS: args['staking.epochLengthS'],
    pollIntervalMs: args['staking.pollIntervalS'] * SECOND,
    ownStakeIntervalMs: args['staking.ownStakeIntervalS'] * SECOND,
    signs: args['staking.signs'],
  }),
}
