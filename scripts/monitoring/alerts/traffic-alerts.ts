import type { OnionOutcome } from '../../../src/onion-relay/metrics.ts'
import { metrics } from '../catalogue.ts'
import { duration } from '../pace.ts'
import { above, both, createQueries, ratio } from '../queries.ts'
import { growing, sample } from '../samples.ts'
import { type Alert, MINUTE_S } from './alert.ts'

const { onionRelay, rpc } = metrics
const { sumOfRates } = createQueries()

/** What is wrong at the next hop, and not with the request. */
const NEXT_FAILS = [
  'next_unreachable',
  'next_busy',
  'next_invalid',
  'timeout',
] as const satisfies readonly OnionOutcome[]
/** Shares of a handful of requests tell nothing. */
const RATE_MIN = 0.2

/** Requests of clients. */
export const trafficAlerts = {
  StarlingRefusesClients: {
    severity: 'warning',
    holdS: 5 * MINUTE_S,
    // What one address or a broken client does to itself is not counted.
    condition: ({ window }) => {
      const reason = ['busy', 'overload', 'not_ready'] as const
      return above(sumOfRates(rpc.rejected, duration(window(5 * MINUTE_S)), ['instance'], { reason }), RATE_MIN)
    },
    summary: 'refuses requests of clients',
    description: 'It is not ready, overloaded, or has too much under way.',
    firing: [sample(rpc.rejected, growing(60), { reason: 'busy' })],
    quiet: [sample(rpc.rejected, growing(6_000), { reason: 'rate' })],
  },
  StarlingRequestsFail: {
    severity: 'warning',
    holdS: 5 * MINUTE_S,
    condition: ({ window }) => {
      const range = duration(window(5 * MINUTE_S))
      const all = sumOfRates(rpc.requests, range, ['instance'])
      const failed = sumOfRates(rpc.requests, range, ['instance'], { status: '5xx' })
      return both(above(ratio(failed, all), 0.05), above(all, RATE_MIN))
    },
    summary: 'fails requests of clients',
    description: 'One request in twenty ends with a fault of the server: it is full, busy, or something is broken.',
    firing: [
      sample(rpc.requests, growing(90), { method: 'store', entry: 'https', status: '2xx' }),
      sample(rpc.requests, growing(10), { method: 'store', entry: 'https', status: '5xx' }),
    ],
    quiet: [
      sample(rpc.requests, growing(90), { method: 'store', entry: 'https', status: '4xx' }),
      sample(rpc.requests, growing(3), { method: 'store', entry: 'https', status: '5xx' }),
    ],
  },
  StarlingOnionsFail: {
    severity: 'warning',
    holdS: 15 * MINUTE_S,
    condition: ({ window }) => {
      const range = duration(window(10 * MINUTE_S))
      const relayed = sumOfRates(onionRelay.requests, range, ['instance'], { role: 'relay' })
      const failed = sumOfRates(onionRelay.requests, range, ['instance'], { role: 'relay', outcome: NEXT_FAILS })
      return both(above(ratio(failed, relayed), 0.3), above(relayed, RATE_MIN))
    },
    summary: 'cannot pass on many onion requests',
    description: 'The next hop of three in ten does not take or answer them: this node is cut off, or others are down.',
    firing: [
      sample(onionRelay.requests, growing(50), { role: 'relay', outcome: 'answered' }),
      sample(onionRelay.requests, growing(50), { role: 'relay', outcome: 'next_unreachable' }),
    ],
    quiet: [
      sample(onionRelay.requests, growing(50), { role: 'relay', outcome: 'answered' }),
      sample(onionRelay.requests, growing(10), { role: 'relay', outcome: 'timeout' }),
      sample(onionRelay.requests, growing(90), { role: 'relay', outcome: 'undecryptable' }),
    ],
  },
} satisfies Record<string, Alert>
