import { metrics } from '../catalogue.ts'
import { above, below, both, createQueries, is, ratio } from '../queries.ts'
import { phases, sample, steady } from '../samples.ts'
import { type Alert, HOUR_S, MINUTE_S } from './alert.ts'

const { peerTests, swarm } = metrics
const { value, maxOf } = createQueries()

/** What clients and members find when they look for this node. */
const PORTS = ['https', 'libp2p'] as const

/** Other members, and how far this node holds what they do. */
export const swarmAlerts = {
  StarlingUnreachable: {
    severity: 'critical',
    holdS: 10 * MINUTE_S,
    condition: () =>
      both(
        above(ratio(value(peerTests.failingTesters, { test: PORTS }), value(peerTests.testers, { test: PORTS })), 0.5),
        // One tester may be wrong.
        above(maxOf(peerTests.testers, ['instance']), 1),
      ),
    summary: 'cannot be reached by most members that try',
    description:
      'The port of the test named in `test` is closed to others: clients are not sent to this node any more.',
    firing: [
      sample(peerTests.failingTesters, steady(5), { test: 'https' }),
      sample(peerTests.testers, steady(7), { test: 'https' }),
    ],
    firingLabels: { test: 'https' },
    quiet: [
      sample(peerTests.failingTesters, steady(1), { test: 'https' }),
      sample(peerTests.testers, steady(1), { test: 'https' }),
    ],
  },
  StarlingCutOff: {
    severity: 'critical',
    holdS: 5 * MINUTE_S,
    condition: () => is(value(peerTests.isInDoubt), 1),
    summary: 'cannot reach most other members',
    description: 'More than half of those it tested last do not answer: it is cut off, or much of the network is down.',
    firing: [sample(peerTests.isInDoubt, steady(1))],
    quiet: [sample(peerTests.isInDoubt, phases({ value: 1, minutes: 3 }, { value: 0 }))],
  },
  StarlingMembersSilent: {
    severity: 'warning',
    holdS: 30 * MINUTE_S,
    condition: () => above(ratio(value(swarm.contents.silentMembers), value(swarm.ownMembers)), 0.3),
    summary: 'misses a third of its swarm',
    description: 'So many members do not answer that messages have fewer copies than they should.',
    firing: [sample(swarm.contents.silentMembers, steady(3)), sample(swarm.ownMembers, steady(7))],
    quiet: [sample(swarm.contents.silentMembers, steady(2)), sample(swarm.ownMembers, steady(7))],
  },
  StarlingContentsDiffer: {
    severity: 'warning',
    holdS: HOUR_S,
    condition: () => above(value(swarm.contents.differingMembers), 0),
    summary: 'does not hold the same as its swarm',
    description: 'For an hour, comparing with members has not made them equal: one of them is full, or fails to write.',
    firing: [sample(swarm.contents.differingMembers, steady(1))],
    // Under load there is always somebody who differs for a moment.
    quiet: [
      sample(
        swarm.contents.differingMembers,
        phases({ value: 1, minutes: 30 }, { value: 0, minutes: 2 }, { value: 1, minutes: 30 }, { value: 0 }),
      ),
    ],
  },
  StarlingHandOffWaits: {
    severity: 'info',
    holdS: 5 * MINUTE_S,
    condition: ({ age }) => above(value(swarm.handOff.oldestAge), age(30 * MINUTE_S)),
    summary: 'keeps requests for a member that does not take them',
    description: 'The oldest waits for more than half an hour. The member is probably down.',
    firing: [sample(swarm.handOff.oldestAge, steady(2_000))],
    quiet: [sample(swarm.handOff.oldestAge, steady(1_700))],
  },
  StarlingJoinStuck: {
    severity: 'warning',
    holdS: 6 * HOUR_S,
    condition: () => below(value(swarm.joining.share), 1),
    summary: 'still lacks messages of accounts that are new to it',
    description: 'For six hours, other members have not given them all.',
    firing: [sample(swarm.joining.share, steady(0.4))],
    quiet: [sample(swarm.joining.share, phases({ value: 0.4, minutes: 300 }, { value: 1 }))],
  },
} satisfies Record<string, Alert>
