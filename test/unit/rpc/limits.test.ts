// What bounds the clients of the HTTPS entry, apart from the server that uses it.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { RateLimiter, type RateLimiterOptions, retryAfterSeconds } from '../../../src/base/rate-limiter.ts'
import { ByteGate } from '../../../src/rpc/byte-gate.ts'
import { limitedAddress } from '../../../src/rpc/client-address.ts'
import { ConnectionLimiter } from '../../../src/rpc/connection-limiter.ts'
import { MemoryBudget } from '../../../src/rpc/memory-budget.ts'
import { createRpcMetrics } from '../../../src/rpc/metrics.ts'
import { defaultMonitorOptions } from '../../../src/rpc/monitor/options.ts'
import { Waits } from '../../../src/rpc/monitor/waits.ts'
import { defaultRpcOptions } from '../../../src/rpc/options.ts'
import { newAccount } from '../../support/people.ts'

const OPTIONS: RateLimiterOptions = { burst: 600, perSecond: 300, keysMax: 10_000, whenFull: 'refuse' }
const TOKEN_MS = 1000 / 300

function setup(options: Partial<RateLimiterOptions> = {}) {
  const clock = { ms: 1e9, monotonicMs: () => clock.ms }
  return { clock, limiter: new RateLimiter({ clock }, { ...OPTIONS, ...options }) }
}

test('an address may make 600 requests at once, and one more for each 1/300 s', () => {
  const { clock, limiter } = setup()
  const taken = Array.from({ length: 601 }, () => limiter.take('a'))
  expect(taken.indexOf(false)).toBe(600)
  clock.ms += TOKEN_MS
  expect([limiter.take('a'), limiter.take('a')]).toEqual([true, false])
})

test('a steady 300 per second is never limited, and does not use up the burst', () => {
  const { clock, limiter } = setup()
  for (let request = 0; request < 6000; request++) {
    expect(limiter.take('a')).toBe(true)
    clock.ms += TOKEN_MS
  }
  expect(Array.from({ length: 601 }, () => limiter.take('a')).indexOf(false)).toBe(600)
})

test('a debt ends where it is bounded, and lasts where it is not', () => {
  for (const [debtMaxBuckets, isOver] of [
    [10, true],
    [undefined, false],
  ] as const) {
    const { clock, limiter } = setup(debtMaxBuckets === undefined ? {} : { debtMaxBuckets })
    limiter.take('a')
    limiter.charge('a', 1_000_000)
    clock.ms += 11 * 600 * TOKEN_MS
    expect(limiter.take('a')).toBe(isOver)
  }
})

test('a few addresses that have used up all they have for long do not keep newcomers out', () => {
  const { clock, limiter } = setup({ keysMax: 1000 })
  for (let at = 0; at < 50; at++) {
    limiter.take(`busy ${at}`)
    limiter.charge(`busy ${at}`, 100_000)
  }
  for (let at = 0; at < 3000; at++) {
    clock.ms += TOKEN_MS
    expect(limiter.take(`newcomer ${at}`)).toBe(true)
  }
  expect(limiter.take('busy 0')).toBe(false)
})

test('addresses do not take from each other', () => {
  const { limiter } = setup({ burst: 1 })
  expect([limiter.take('a'), limiter.take('a'), limiter.take('b')]).toEqual([true, false, true])
})

test('siblings of one IPv6 network share a bucket, and so do both forms of an IPv4 address', () => {
  const { limiter } = setup({ burst: 1 })
  const takes = (address: string) => limiter.take(limitedAddress(address))
  expect(['2001:db8:1:2::5', '2001:db8:1:2:ffff::9', '2001:db8:1:3::5'].map(takes)).toEqual([true, false, true])
  expect(['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:192.0.2.2'].map(takes)).toEqual([true, false, true])
})

test('address 10,001 is refused while all are active, and accepted when one is not', () => {
  const { clock, limiter } = setup()
  for (let address = 0; address < 10_000; address++) expect(limiter.take(String(address))).toBe(true)
  expect(limiter.take('newcomer')).toBe(false)
  expect(limiter.take('5')).toBe(true)
  clock.ms += TOKEN_MS
  expect(limiter.take('newcomer')).toBe(true)
})

test('what an address is charged beyond its tokens, its later requests wait for', () => {
  const { clock, limiter } = setup({ burst: 3 })
  expect(limiter.take('a')).toBe(true)
  limiter.charge('a', 4)
  limiter.charge('stranger', 4)
  clock.ms += 2 * TOKEN_MS
  expect([limiter.take('a'), limiter.take('stranger')]).toEqual([false, true])
  clock.ms += TOKEN_MS
  expect([limiter.take('a'), limiter.take('a')]).toEqual([true, false])
})

test('a refused address is told how long it has to wait', () => {
  const { clock, limiter } = setup({ burst: 2, perSecond: 0.1 })
  expect([limiter.take('a'), limiter.take('a'), limiter.take('a')]).toEqual([true, true, false])
  // The half token that keeps rounding from refusing counts here too.
  expect(limiter.waitMs('a')).toBe(5_000)
  clock.ms += 4_999
  expect([limiter.waitMs('a'), limiter.take('a')]).toEqual([1, false])
  clock.ms += 1
  expect([limiter.waitMs('a'), limiter.take('a')]).toEqual([0, true])
  expect([0, 1, 1000, 1001, 5000].map(retryAfterSeconds)).toEqual([1, 1, 1, 2, 5])
})

test('where nobody is refused for want of room, the key that was used the longest ago is forgotten', () => {
  const { limiter } = setup({ burst: 1, keysMax: 2, whenFull: 'forget' })
  expect(['a', 'b', 'a'].map((key) => limiter.take(key))).toEqual([true, true, false])
  expect(['c', 'b', 'a'].map((key) => limiter.take(key))).toEqual([true, false, true])
})

describe('a memory budget', () => {
  const open = (budget: MemoryBudget, name: string, given: string[]) => budget.open(() => given.push(name))

  test('is kept by those that are under way the longest giving up theirs', () => {
    const given: string[] = []
    const budget = new MemoryBudget(10)
    open(budget, 'a', given).take(4)
    open(budget, 'b', given).take(4)
    const c = open(budget, 'c', given)
    c.take(2)
    expect(given).toEqual([])
    c.take(1)
    expect(given).toEqual(['a'])
    c.take(8)
    expect(given).toEqual(['a', 'b', 'c'])
  })

  test('is not given up by pinned shares, and refuses when they use it up', () => {
    const given: string[] = []
    const budget = new MemoryBudget(10)
    const pinned = open(budget, 'pinned', given)
    pinned.take(6)
    pinned.pin()
    const firm = budget.open()
    firm.take(4)
    const late = open(budget, 'late', given)
    late.take(1)
    expect(given).toEqual(['late'])
    expect(() => budget.open().take(1)).toThrow(expect.objectContaining({ code: 'SERVER_BUSY' }))
  })

  test('gets back what a share took once, however often that is closed', () => {
    const given: string[] = []
    const budget = new MemoryBudget(10)
    const share = open(budget, 'a', given)
    share.take(10)
    for (let time = 0; time < 2; time++) share[Symbol.dispose]()
    share.take(10)
    const next = budget.open()
    next.take(10)
    expect(() => next.take(1)).toThrow()
    expect(given).toEqual([])
  })
})

describe('connections', () => {
  test('beyond the limit take the place of the quietest of whoever has most, and of nobody who has as few', async () => {
    const metrics = createRpcMetrics(createMetricsRegistry())
    const clock = { monotonicMs: () => 0 }
    const limiter = new ConnectionLimiter({ clock, metrics }, { ...defaultRpcOptions, connectionsMax: 4 })
    const admitted: boolean[] = []
    await using server = createServer((socket) => {
      admitted.push(limiter.accept(socket))
      socket.resume().on('error', () => {})
      socket.write('x')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const open = async (localAddress: string) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress }).on('error', () => {})
      await Promise.race([once(socket, 'data'), once(socket, 'close')])
      return socket
    }
    const flood: Socket[] = []
    for (let at = 0; at < 4; at++) flood.push(await open('127.0.0.2'))
    const [first, second, ...quiet] = flood as [Socket, Socket, ...Socket[]]
    for (const talkative of [first, second]) {
      const before = talkative.bytesWritten
      talkative.write('y'.repeat(1000))
      expect(talkative.bytesWritten).toBeGreaterThan(before)
    }
    const gone = Promise.race(quiet.map((socket) => once(socket, 'close')))
    const honest = await open('127.0.0.3')
    await gone
    // Now one has three and the other one, and the third would have one: none of them loses anything to itself.
    const again = await open('127.0.0.2')
    expect(admitted).toEqual([true, true, true, true, true, false])
    for (const socket of [...flood, honest, again]) socket.destroy()
    limiter.closeAll()
  })
})

test('requests that wait are bounded for each address, and those without one are not counted so', () => {
  const metrics = { waiting: { set: () => {}, remove: () => {} } }
  const waits = new Waits({ metrics }, { ...defaultMonitorOptions, waitsPerAddressMax: 2 })
  const open = (address?: string) => waits.open(newAccount().id, [0], address)
  const first = open('a')
  expect([first, open('a'), open('a'), open('b'), open()].map((wait) => wait !== undefined)).toEqual([
    true,
    true,
    false,
    true,
    true,
  ])
  for (let time = 0; time < 2; time++) first?.[Symbol.dispose]()
  expect([open('a'), open('a')].map((wait) => wait !== undefined)).toEqual([true, false])
})

describe('a gate for bytes', () => {
  test('lets work begin in its order while all of it fits, and any work alone', async () => {
    const gate = new ByteGate(10)
    const begun: string[] = []
    const enter = (name: string, bytes: number) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const done = gate.use('a client', bytes, () => {
        begun.push(name)
        return promise
      })
      return { done, resolve, reject }
    }
    const [a, b, c, d] = [enter('a', 6), enter('b', 6), enter('c', 1), enter('d', 99)]
    await Promise.resolve()
    expect(begun).toEqual(['a'])
    a.reject(new Error('failed'))
    await expect(a.done).rejects.toThrow('failed')
    expect(begun).toEqual(['a', 'b', 'c'])
    b.resolve()
    await b.done
    expect(begun).not.toContain('d')
    c.resolve()
    await c.done
    d.resolve()
    await d.done
    expect(begun).toEqual(['a', 'b', 'c', 'd'])
  })

  test('has clients take turns, and lets none of them fill the queue', async () => {
    const gate = new ByteGate(1)
    const begun: string[] = []
    const first = Promise.withResolvers<void>()
    const enter = (client: string, until?: Promise<void>) =>
      gate.use(client, 1, async () => {
        begun.push(client)
        await until
      })
    const under = enter('flood', first.promise)
    const waiting = Array.from({ length: 1_000 }, () => enter('flood'))
    const refused = Promise.allSettled(waiting)
    const honest = [enter('honest'), enter('other')]
    first.resolve()
    await Promise.all([under, ...honest])
    expect(begun.indexOf('honest')).toBeLessThan(4)
    expect(begun.indexOf('other')).toBeLessThan(5)
    const outcomes = (await refused).filter(({ status }) => status === 'rejected')
    expect(outcomes.length).toBeGreaterThan(700)
    await expect(Promise.all(waiting)).rejects.toMatchObject({ code: 'SERVER_BUSY' })
  })
})

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002::', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
  ['1::2:3:4:5:6:7', '1:0:2:3'],
  [undefined, ''],
])('%s is limited as %s', (address, limited) => {
  expect(limitedAddress(address)).toBe(limited)
})
