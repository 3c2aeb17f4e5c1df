import { SECOND } from '../../base/clock.ts'
import { defaultStakingOptions as defaults, type StakingOptions } from '../../staking/options.ts'
import { ACCEPTED_CODE, CONTRACT_ADDRESS, CONTRACT_ADDRESS_OR_NONE, RPC_URLS } from './check.ts'
import type { OptionGroup } from './option-group.ts'

export type StakingArgs = {
  'staking.chainId': number
  'staking.contract': string
  'staking.contributionFactory': string
  'staking.rpcUrls': string[]
  'staking.epochLengthS': number
  'staking.pollIntervalS': number
  'staking.ownStakeIntervalS': number
  'staking.signs': boolean
  'staking.requestsPerSecond': number
  'staking.requestsBurst': number
  'staking.acceptedCode': string
  'staking.logPageBlocks': number
  'staking.deployedBlock': number
  'staking.rewards': boolean
  'staking.rewardsPeriodS': number
  'staking.rewardsAgeMinS': number
  'staking.rewardsLockS': number
  'staking.rewardsIntervalS': number
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
    // No part of the node needs it: the operator's commands read the same file.
    'staking.contributionFactory': {
      type: 'string',
      describe:
        'Address of the factory of pooled stakes, for `starling stake contribution`; empty for none; from the network preset',
      default: '',
      form: CONTRACT_ADDRESS_OR_NONE,
    },
    'staking.rpcUrls': {
      type: 'array',
      describe: 'JSON-RPC URLs of the chain, best first; two or more are checked against each other',
      items: RPC_URLS,
      isSecret: true,
      reloads: true,
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
    'staking.requestsPerSecond': {
      type: 'number',
      describe: 'Requests in a second to each RPC provider on the average; what is beyond waits',
      default: defaults.requestsPerSecond,
      min: 1,
    },
    'staking.requestsBurst': {
      type: 'number',
      describe:
        'Requests to each RPC provider that do not wait after a quiet time; fewer where the RPC plan asks for it',
      default: defaults.requestsBurst,
      min: 50,
    },
    'staking.acceptedCode': {
      type: 'string',
      describe: "Keccak-256 of the contract's code that is accepted, or first for that of the first look at it",
      default: 'first',
      form: ACCEPTED_CODE,
    },
    'staking.logPageBlocks': {
      type: 'number',
      describe: 'Blocks in one request for logs; more where the RPC plan allows, and the rewards are computed sooner',
      default: defaults.logPageBlocks,
      min: 1,
    },
    'staking.deployedBlock': {
      type: 'number',
      describe: "Block of the contract's deployment, where its logs begin; 0 searches for it, which takes an archive",
      default: defaults.rewards.deployedBlock,
      min: 0,
    },
    'staking.rewards': {
      type: 'boolean',
      describe:
        'Compute the rewards from the logs of the contract; off where another chain does; from the network preset',
      default: defaults.rewards.enabled,
    },
    'staking.rewardsPeriodS': {
      type: 'number',
      describe: 'Seconds of a period of rewards; the same on every node of a network',
      default: defaults.rewards.periodS,
      min: 1,
    },
    'staking.rewardsAgeMinS': {
      type: 'number',
      describe: 'Seconds after its registration from which a node earns; the same on every node of a network',
      default: defaults.rewards.ageMinS,
      min: 0,
    },
    'staking.rewardsLockS': {
      type: 'number',
      describe: 'Seconds that the stake of a liquidated node is locked; the same on every node of a network',
      default: defaults.rewards.liquidationLockS,
      min: 0,
    },
    'staking.rewardsIntervalS': {
      type: 'number',
      describe: 'Seconds between two looks at the logs of the contract',
      default: defaults.rewards.intervalMs / SECOND,
      min: 1,
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
    requestsPerSecond: args['staking.requestsPerSecond'],
    requestsBurst: args['staking.requestsBurst'],
    acceptedCode: acceptedCodeOf(args['staking.acceptedCode']),
    logPageBlocks: args['staking.logPageBlocks'],
    rewards: {
      ...defaults.rewards,
      enabled: args['staking.rewards'],
      deployedBlock: args['staking.deployedBlock'],
      periodS: args['staking.rewardsPeriodS'],
      ageMinS: args['staking.rewardsAgeMinS'],
      liquidationLockS: args['staking.rewardsLockS'],
      intervalMs: args['staking.rewardsIntervalS'] * SECOND,
    },
  }),
}

/** Its form has been checked. */
function acceptedCodeOf(text: string): StakingOptions['acceptedCode'] {
  return text === 'first' ? undefined : (text.toLowerCase() as `0x${string}`)
}
