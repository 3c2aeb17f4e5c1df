import { metrics } from '../catalogue.ts'
import { ratio } from '../queries.ts'
import { type Dashboard, line, mean, quantile, RANGE, sumOf, sumOfRates, value } from './dashboard.ts'

const { network, peerTests, storage, swarm } = metrics

/** What is held, and how members keep it the same. */
export const swarmAndStorage: Dashboard = {
  id: 'starling-swarm-and-storage',
  title: 'Starling: swarm and storage',
  rows: [
    {
      title: 'Messages on disk',
      panels: [
        { title: 'Messages', kind: 'plot', unit: 'short', width: 8, targets: [line(value(storage.messages))] },
        {
          title: 'Bytes of messages',
          kind: 'plot',
          unit: 'bytes',
          width: 8,
          targets: [line(value(storage.dataBytes))],
        },
        {
          title: 'Room for messages',
          description: 'Until the bound of all messages or the free space of the disk is reached.',
          kind: 'plot',
          unit: 'bytes',
          width: 8,
          targets: [line(value(storage.room))],
        },
        {
          title: 'Stores by outcome',
          kind: 'plot',
          unit: 'ops',
          width: 8,
          isStacked: true,
          targets: [line(sumOfRates(storage.stored, RANGE, ['outcome']), '{{outcome}}')],
        },
        {
          title: 'Refused for want of room',
          kind: 'plot',
          unit: 'ops',
          width: 8,
          targets: [line(sumOfRates(storage.full, RANGE, ['reason']), '{{reason}}')],
        },
        {
          title: 'Swept after expiry',
          kind: 'plot',
          unit: 'ops',
          width: 8,
          targets: [line(sumOfRates(storage.swept, RANGE, ['instance']))],
        },
        {
          title: 'Time to write and flush a batch',
          kind: 'plot',
          unit: 's',
          width: 12,
          limit: 0.5,
          targets: [
            line(quantile(0.5, storage.commit, RANGE, []), 'half of the batches'),
            line(quantile(0.99, storage.commit, RANGE, []), '99 of 100'),
          ],
        },
        {
          title: 'Operations that share a flush',
          kind: 'plot',
          unit: 'short',
          width: 12,
          targets: [line(mean(storage.batchOperations, RANGE, ['instance']))],
        },
      ],
    },
    {
      title: 'Swarm',
      panels: [
        {
          title: 'Members of the own swarm',
          kind: 'plot',
          unit: 'short',
          width: 6,
          targets: [line(value(swarm.ownMembers))],
        },
        {
          title: 'Members that do not answer',
          kind: 'plot',
          unit: 'short',
          width: 6,
          targets: [line(value(swarm.contents.silentMembers))],
        },
        {
          title: 'Members whose contents differ',
          kind: 'plot',
          unit: 'short',
          width: 6,
          targets: [line(value(swarm.contents.differingMembers))],
        },
        {
          title: 'Accounts that are complete here',
          kind: 'plot',
          unit: 'percentunit',
          width: 6,
          targets: [line(value(swarm.joining.share))],
        },
        {
          title: 'Forwarded requests by outcome',
          kind: 'plot',
          unit: 'reqps',
          width: 12,
          isStacked: true,
          targets: [line(sumOfRates(swarm.forwards, RANGE, ['outcome']), '{{outcome}}')],
        },
        {
          title: 'Time of forwarded requests',
          kind: 'plot',
          unit: 's',
          width: 12,
          targets: [
            line(quantile(0.5, swarm.forwardDuration, RANGE, []), 'half of them'),
            line(quantile(0.99, swarm.forwardDuration, RANGE, []), '99 of 100'),
          ],
        },
        {
          title: 'Comparisons by how they ended',
          kind: 'plot',
          unit: 'ops',
          width: 12,
          isStacked: true,
          targets: [line(sumOfRates(swarm.contents.comparisons, RANGE, ['outcome']), '{{outcome}}')],
        },
        {
          title: 'Given and taken so that all hold the same',
          kind: 'plot',
          unit: 'ops',
          width: 12,
          targets: [line(sumOfRates(swarm.contents.items, RANGE, ['kind', 'way']), '{{kind}} {{way}}')],
        },
        {
          title: 'Requests kept for members',
          kind: 'plot',
          unit: 'short',
          width: 12,
          targets: [line(value(swarm.handOff.queued))],
        },
        {
          title: 'Age of the oldest of them',
          kind: 'plot',
          unit: 's',
          width: 12,
          limit: 1800,
          targets: [line(value(swarm.handOff.oldestAge))],
        },
      ],
    },
    {
      title: 'Other service nodes',
      panels: [
        {
          title: 'Connections to service nodes',
          kind: 'plot',
          unit: 'short',
          width: 8,
          targets: [line(sumOf(network.connections, ['direction']), '{{direction}}')],
        },
        {
          title: 'Requests to service nodes, by protocol',
          kind: 'plot',
          unit: 'reqps',
          width: 8,
          targets: [line(sumOfRates(network.requests, RANGE, ['protocol']), '{{protocol}}')],
        },
        {
          title: 'Testers that cannot reach this node',
          kind: 'plot',
          unit: 'percentunit',
          width: 8,
          limit: 0.5,
          targets: [line(ratio(value(peerTests.failingTesters), value(peerTests.testers)), '{{instance}} {{test}}')],
        },
      ],
    },
  ],
}
