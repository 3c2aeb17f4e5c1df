// What bounds the clients of the HTTPS entry, apart from the server that uses it.
import { expect, test } from 'vitest'
import { limitedAddress } from '../../../src/rpc/client-address.ts'
import { RateLimiter } from '../../../src/rpc/rate-limiter.ts'

const OPTIONS = { rateBurst: 600, ratePerSecond: 300, rateAddressesMax: 10_000 }
const TOKEN_MS = 1000 / 300

function setup(options: Partial<typeof OPTIONS> = {}) {
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

test('addresses do not take from each other', () => {
  const { limiter } = setup({ rateBurst: 1 })
  expect([limiter.take('a'), limiter.take('a'), limiter.take('b')]).toEqual([true, false, true])
})

test('address 10,001 is refused while all are active, and accepted when one is not', () => {
  const { clock, limiter } = setup()
  for (let address = 0; address < 10_000; address++) expect(limiter.take(String(address))).toBe(true)
  expect(limiter.take('newcomer')).toBe(false)
  expect(limiter.take('5')).toBe(true)
  clock.ms += TOKEN_MS
  expect(limiter.take('newcomer')).toBe(true)
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
