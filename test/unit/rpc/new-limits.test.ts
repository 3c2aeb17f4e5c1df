// Limits of clients that change while the server runs.
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { RateLimiter } from '../../../src/base/rate-limiter.ts'
import { ConnectionLimiter } from '../../../src/rpc/connection-limiter.ts'
import { createRpcMetrics } from '../../../src/rpc/metrics.ts'
import { defaultRpcOptions } from '../../../src/rpc/options.ts'

function aClock() {
  const clock = { ms: 1e9, monotonicMs: () => clock.ms }
  return clock
}

test('a new rate counts for every address at once, also for those that are known', () => {
  const clock = aClock()
  const limiter = new RateLimiter({ clock }, { burst: 2, perSecond: 1, keysMax: 10, whenFull: 'refuse' })
  const takes = (times: number) => Array.from({ length: times }, () => limiter.take('a')).filter(Boolean).length
  expect(takes(5)).toBe(2)
  limiter.setRate({ burst: 20, perSecond: 10 })
  clock.ms += 2000
  expect(takes(50)).toBe(20)
  limiter.setRate({ burst: 1, perSecond: 1 })
  clock.ms += 100_000
  expect(takes(5)).toBe(1)
})

test('a new limit of connections counts for those that come; those that are there stay', () => {
  const components = { clock: aClock(), metrics: createRpcMetrics(createMetricsRegistry()) }
  const limiter = new ConnectionLimiter(components, { ...defaultRpcOptions, connectionsMax: 2 })
  const accepted = () => {
    const socket = new PassThrough()
    limiter.accept(socket)
    return socket
  }
  const open = (sockets: readonly PassThrough[]) => sockets.filter(({ destroyed }) => !destroyed).length
  const first = [accepted(), accepted(), accepted()]
  expect(open(first)).toBe(2)
  limiter.setLimits({ connectionsMax: 3, connectionsPerAddressMax: 10 })
  const more = [accepted(), accepted()]
  expect([open(first), open(more)]).toEqual([2, 1])
  limiter.setLimits({ connectionsMax: 1, connectionsPerAddressMax: 10 })
  expect([open([...first, ...more]), open([accepted()])]).toEqual([3, 0])
})
