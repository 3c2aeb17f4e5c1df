import { metrics } from '../catalogue.ts'
import { duration } from '../pace.ts'
import { above, createQueries, is } from '../queries.ts'
import { growing, sample, steady } from '../samples.ts'
import { type Alert, HOUR_S, MINUTE_S } from './alert.ts'

const { node, staking } = metrics
const { value, increase } = createQueries()

/** The chain, who tells of it, and this node's own stake. */
export const chainAlerts = {
  StarlingStakeLost: {
    severity: 'critical',
    holdS: 10 * MINUTE_S,
    condition: () => is(value(staking.ownStake, { state: ['not-registered', 'key-mismatch', 'gone'] }), 1),
    summary: 'has no stake',
    description: 'The contract does not know this node, knows it by another key, or has let it go: it serves nobody.',
    firing: [sample(staking.ownStake, steady(1), { state: 'gone' })],
    firingLabels: { state: 'gone' },
    quiet: [sample(staking.ownStake, steady(1), { state: 'pending-finality' })],
  },
  StarlingStakeLeaving: {
    severity: 'info',
    holdS: 0,
    condition: () => is(value(staking.ownStake, { state: 'leaving' }), 1),
    summary: 'is on its way out of the contract',
    description: 'Its exit was requested. If that was not you, somebody has the key of a contributor.',
    firing: [sample(staking.ownStake, steady(1), { state: 'leaving' })],
    firingLabels: { state: 'leaving' },
    quiet: [sample(staking.ownStake, steady(0), { state: 'leaving' })],
  },
  StarlingChainUnreachable: {
    severity: 'warning',
    holdS: 10 * MINUTE_S,
    condition: () => is(value(node.trouble, { part: 'chain', effect: 'degraded' }), 1),
    summary: 'cannot follow the chain',
    description: 'It goes on with the members that it knew. Nobody joins or leaves, and nothing is signed.',
    firing: [sample(node.trouble, steady(1), { part: 'chain', effect: 'degraded' })],
    firingLabels: { part: 'chain', effect: 'degraded' },
    quiet: [sample(node.trouble, steady(1), { part: 'providers', effect: 'degraded' })],
  },
  StarlingChainOld: {
    severity: 'warning',
    holdS: 5 * MINUTE_S,
    // Arbitrum's newest final block is some 20 minutes old; from an hour on, nothing is signed.
    condition: ({ age }) => above(value(staking.finalizedAge), age(45 * MINUTE_S)),
    summary: 'sees no new final blocks',
    description: 'The newest is more than 45 minutes old: the chain stands still, or those who tell of it do.',
    firing: [sample(staking.finalizedAge, steady(3_000))],
    quiet: [sample(staking.finalizedAge, steady(1_500))],
  },
  StarlingProvidersFew: {
    severity: 'warning',
    holdS: 15 * MINUTE_S,
    condition: () => is(value(staking.standing, { standing: ['on-backup', 'too-few'] }), 1),
    summary: 'lacks sound RPC providers',
    description: 'One of those configured first has a fault, and others stand in for it, or too few are left to agree.',
    firing: [sample(staking.standing, steady(1), { standing: 'too-few' })],
    firingLabels: { standing: 'too-few' },
    quiet: [sample(staking.standing, steady(1), { standing: 'without-spare' })],
  },
  StarlingProviderDisagrees: {
    severity: 'warning',
    holdS: 0,
    condition: ({ window }) => above(increase(staking.providerDisagreements, duration(window(HOUR_S))), 0),
    summary: 'has an RPC provider that contradicts the others',
    description:
      'The provider at the place given in `provider` of staking.rpcUrls, counted from 0. It is not believed.',
    firing: [sample(staking.providerDisagreements, growing(1), { provider: '1' })],
    firingLabels: { provider: '1' },
    quiet: [sample(staking.providerDisagreements, steady(3), { provider: '1' })],
  },
  StarlingContractChanged: {
    severity: 'critical',
    holdS: 0,
    condition: () => is(value(staking.codeAccepted), 0),
    summary: 'is told that the staking contract runs other code',
    description: 'Its owner has replaced the code. Learn what changed before you accept it.',
    firing: [sample(staking.codeAccepted, steady(0))],
    quiet: [sample(staking.codeAccepted, steady(1))],
  },
} satisfies Record<string, Alert>
