import { metrics } from '../catalogue.ts'
import { ratio } from '../queries.ts'
import { type Dashboard, line, quantile, RANGE, sumOf, sumOfRates, value } from './dashboard.ts'

const { onionRelay } = metrics

/** Onion requests: what this node is asked for, and how that ends. */
export const onionRelayDashboard: Dashboard = {
  id: 'starling-onion-relay',
  title: 'Starling: onion relay',
  rows: [
    {
      title: 'Requests',
      panels: [
        {
          title: 'By role',
          description: 'relay: passed on. final: answered here. server: asked of an outside server.',
          kind: 'plot',
          unit: 'reqps',
          width: 12,
          isStacked: true,
          targets: [line(sumOfRates(onionRelay.requests, RANGE, ['role']), '{{role}}')],
        },
        {
          title: 'By outcome',
          kind: 'plot',
          unit: 'reqps',
          width: 12,
          isStacked: true,
          targets: [line(sumOfRates(onionRelay.requests, RANGE, ['outcome']), '{{outcome}}')],
        },
        {
          title: 'Passed on and answered',
          kind: 'plot',
          unit: 'percentunit',
          width: 12,
          limit: 0.7,
          limitIsBelow: true,
          targets: [
            line(
              ratio(
                sumOfRates(onionRelay.requests, RANGE, ['instance'], { role: 'relay', outcome: 'answered' }),
                sumOfRates(onionRelay.requests, RANGE, ['instance'], { role: 'relay' }),
              ),
            ),
          ],
        },
        {
          title: 'Under way',
          kind: 'plot',
          unit: 'short',
          width: 6,
          targets: [line(value(onionRelay.requestsInFlight))],
        },
        {
          title: 'Bytes under way',
          kind: 'plot',
          unit: 'bytes',
          width: 6,
          targets: [line(value(onionRelay.bytesInFlight))],
        },
      ],
    },
    {
      title: 'Layers and replays',
      panels: [
        {
          title: 'Time to open a layer',
          kind: 'plot',
          unit: 's',
          width: 8,
          targets: [
            line(quantile(0.5, onionRelay.openSeconds, RANGE, []), 'half of the layers'),
            line(quantile(0.99, onionRelay.openSeconds, RANGE, []), '99 of 100'),
          ],
        },
        {
          title: 'Requests remembered',
          description: 'To refuse their replay.',
          kind: 'plot',
          unit: 'short',
          width: 8,
          targets: [line(value(onionRelay.replayTags))],
        },
        {
          title: 'Replays and what could not be opened',
          kind: 'plot',
          unit: 'reqps',
          width: 8,
          targets: [
            line(
              sumOfRates(onionRelay.requests, RANGE, ['outcome'], {
                outcome: ['replayed', 'undecryptable', 'malformed', 'content_invalid'],
              }),
              '{{outcome}}',
            ),
          ],
        },
      ],
    },
    {
      title: 'Outside servers',
      panels: [
        {
          title: 'Requests under way',
          kind: 'plot',
          unit: 'short',
          width: 12,
          targets: [line(sumOf(onionRelay.outsideRequestsInFlight, ['instance']))],
        },
        {
          title: 'Time of their answers',
          kind: 'plot',
          unit: 's',
          width: 12,
          targets: [
            line(quantile(0.5, onionRelay.outsideSeconds, RANGE, []), 'half of them'),
            line(quantile(0.99, onionRelay.outsideSeconds, RANGE, []), '99 of 100'),
          ],
        },
      ],
    },
  ],
}
