import { metrics } from '../catalogue.ts'
import { above, type Query, ratio, UP } from '../queries.ts'
import {
  type Dashboard,
  INSTANCE_CONDITION,
  line,
  maxOf,
  quantile,
  RANGE,
  sumOf,
  sumOfRates,
  value,
} from './dashboard.ts'

const { node, onionRelay, peerTests, process, rpc, staking, storage, swarm } = metrics
const upOfChosen = UP.replace('}', `, ${INSTANCE_CONDITION}}`) as Query

/** Whether nodes serve, and what clients get of them. */
export const overview: Dashboard = {
  id: 'starling-overview',
  title: 'Starling: overview',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Answers',
          kind: 'figure',
          unit: 'short',
          width: 6,
          targets: [line(upOfChosen)],
          limit: 1,
          limitIsBelow: true,
          words: { 0: 'down', 1: 'up' },
        },
        {
          title: 'Serves clients',
          kind: 'figure',
          unit: 'short',
          width: 6,
          targets: [line(value(node.ready))],
          limit: 1,
          limitIsBelow: true,
          words: { 0: 'no', 1: 'yes' },
        },
        {
          title: 'Parts in trouble',
          description: 'What exactly, /readyz says in words.',
          kind: 'figure',
          unit: 'short',
          width: 6,
          targets: [line(sumOf(node.trouble, ['instance']))],
          limit: 1,
        },
        {
          title: 'Stake is active',
          kind: 'figure',
          unit: 'short',
          width: 6,
          targets: [line(value(staking.ownStake, { state: 'active' }))],
          limit: 1,
          limitIsBelow: true,
          words: { 0: 'no', 1: 'yes' },
        },
        {
          title: 'Swarm members',
          kind: 'figure',
          unit: 'short',
          width: 6,
          targets: [line(value(swarm.ownMembers))],
        },
        {
          title: 'Messages held',
          kind: 'figure',
          unit: 'short',
          width: 6,
          targets: [line(value(storage.messages))],
        },
        {
          title: 'Room for more',
          kind: 'figure',
          unit: 'bytes',
          width: 6,
          targets: [line(value(storage.room))],
          limit: 1024 ** 3,
          limitIsBelow: true,
        },
        {
          title: 'Running since',
          kind: 'figure',
          unit: 'dateTimeFromNow',
          width: 6,
          targets: [line(value(process.startTime))],
        },
      ],
    },
    {
      title: 'Clients',
      panels: [
        {
          title: 'Requests by method',
          kind: 'plot',
          unit: 'reqps',
          width: 12,
          isStacked: true,
          targets: [line(sumOfRates(rpc.requests, RANGE, ['method']), '{{method}}')],
        },
        {
          title: 'Requests by where they came from, and how they ended',
          kind: 'plot',
          unit: 'reqps',
          width: 12,
          targets: [line(sumOfRates(rpc.requests, RANGE, ['entry', 'status']), '{{entry}} {{status}}')],
        },
        {
          title: 'Time to an answer',
          kind: 'plot',
          unit: 's',
          width: 12,
          targets: [
            line(quantile(0.5, rpc.duration, RANGE, []), 'half of the requests'),
            line(quantile(0.9, rpc.duration, RANGE, []), '9 of 10'),
            line(quantile(0.99, rpc.duration, RANGE, []), '99 of 100'),
          ],
        },
        {
          title: 'Refused before any method',
          kind: 'plot',
          unit: 'reqps',
          width: 12,
          targets: [line(sumOfRates(rpc.rejected, RANGE, ['reason']), '{{reason}}')],
        },
        {
          title: 'Connections and subscriptions',
          kind: 'plot',
          unit: 'short',
          width: 12,
          targets: [
            line(sumOf(rpc.connections, []), 'HTTPS'),
            line(sumOf(rpc.monitor.connections, []), 'WebSocket'),
            line(sumOf(rpc.monitor.subscriptions, []), 'subscriptions'),
            line(sumOf(rpc.monitor.waiting, []), 'requests that wait'),
          ],
        },
        {
          title: 'Failed by the server',
          kind: 'plot',
          unit: 'percentunit',
          width: 12,
          limit: 0.05,
          targets: [
            line(
              ratio(
                sumOfRates(rpc.requests, RANGE, ['instance'], { status: '5xx' }),
                sumOfRates(rpc.requests, RANGE, ['instance']),
              ),
            ),
          ],
        },
      ],
    },
    {
      title: 'The rest at a glance',
      panels: [
        {
          title: 'Parts in trouble over time',
          kind: 'plot',
          unit: 'short',
          width: 12,
          targets: [line(above(maxOf(node.trouble, ['part', 'effect']), 0), '{{part}} {{effect}}')],
        },
        {
          title: 'Onion requests by role',
          kind: 'plot',
          unit: 'reqps',
          width: 12,
          targets: [line(sumOfRates(onionRelay.requests, RANGE, ['role']), '{{role}}')],
        },
        {
          title: 'Clock ahead of the others',
          kind: 'plot',
          isSigned: true,
          unit: 's',
          width: 12,
          targets: [line(value(peerTests.clockOffset))],
        },
        {
          title: 'Delay of the event loop',
          kind: 'plot',
          unit: 's',
          width: 12,
          limit: 0.25,
          targets: [line(value(node.eventLoopDelay))],
        },
      ],
    },
  ],
}
