import { metrics } from '../catalogue.ts'
import { above, except } from '../queries.ts'
import { type Dashboard, line, maxOf, quantile, RANGE, sumOfRates, value } from './dashboard.ts'

const { rewards, signatures, staking, swarm } = metrics

/** The chain as this node sees it, who tells of it, and its own stake. */
export const chainAndStake: Dashboard = {
  id: 'starling-chain-and-stake',
  title: 'Starling: chain and stake',
  rows: [
    {
      title: 'Stake',
      panels: [
        {
          title: 'State of the own stake',
          kind: 'plot',
          unit: 'short',
          width: 12,
          isStacked: true,
          targets: [line(above(maxOf(staking.ownStake, ['state']), 0), '{{state}}')],
        },
        {
          title: 'Service nodes in the current epoch',
          kind: 'plot',
          unit: 'short',
          width: 6,
          targets: [line(value(staking.members))],
        },
        {
          title: 'Swarms in the current epoch',
          kind: 'plot',
          unit: 'short',
          width: 6,
          targets: [line(value(swarm.swarms))],
        },
      ],
    },
    {
      title: 'Chain',
      panels: [
        {
          title: 'Age of the newest final block',
          kind: 'plot',
          unit: 's',
          width: 8,
          limit: 2700,
          targets: [line(value(staking.finalizedAge))],
        },
        {
          title: 'Epochs by what became of them',
          kind: 'plot',
          unit: 'ops',
          width: 8,
          targets: [line(sumOfRates(swarm.epochs, RANGE, ['update']), '{{update}}')],
        },
        {
          title: 'How the view of the chain is founded',
          kind: 'plot',
          unit: 'short',
          width: 8,
          isStacked: true,
          targets: [line(above(maxOf(staking.standing, ['standing']), 0), '{{standing}}')],
        },
      ],
    },
    {
      title: 'RPC providers, by their place in the configuration',
      panels: [
        {
          title: 'Requests',
          kind: 'plot',
          unit: 'reqps',
          width: 8,
          isStacked: true,
          targets: [line(sumOfRates(staking.requests, RANGE, ['provider']), 'provider {{provider}}')],
        },
        {
          title: 'Requests that failed',
          kind: 'plot',
          unit: 'reqps',
          width: 8,
          targets: [
            line(
              sumOfRates(staking.requests, RANGE, ['provider', 'outcome'], { outcome: except('ok') }),
              'provider {{provider}} {{outcome}}',
            ),
          ],
        },
        {
          title: 'Time of 9 answers of 10',
          kind: 'plot',
          unit: 's',
          width: 8,
          targets: [line(quantile(0.9, staking.requestSeconds, RANGE, ['provider']), 'provider {{provider}}')],
        },
        {
          title: 'Nothing is held against it',
          kind: 'plot',
          unit: 'short',
          width: 8,
          targets: [line(maxOf(staking.providerUp, ['provider']), 'provider {{provider}}')],
        },
        {
          title: 'Age of the block that it claims',
          kind: 'plot',
          unit: 's',
          width: 8,
          targets: [line(maxOf(staking.providerHeadAge, ['provider']), 'provider {{provider}}')],
        },
        {
          title: 'Requests that it may still be sent at once',
          kind: 'plot',
          unit: 'short',
          width: 8,
          targets: [line(maxOf(staking.budgetLeft, ['provider']), 'provider {{provider}}')],
        },
      ],
    },
    {
      title: 'Rewards and signatures',
      panels: [
        {
          title: 'Blocks that the ledger of rewards lacks',
          kind: 'plot',
          unit: 'short',
          width: 12,
          targets: [line(value(rewards.missingBlocks))],
        },
        {
          title: 'Requests for a signature',
          kind: 'plot',
          unit: 'reqps',
          width: 12,
          targets: [line(sumOfRates(signatures.answers, RANGE, ['kind', 'outcome']), '{{kind}} {{outcome}}')],
        },
      ],
    },
  ],
}
