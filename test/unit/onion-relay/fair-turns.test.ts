import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from '../../../src/base/bytes.ts'
import type { PreviousHop } from '../../../src/onion-relay/capacity.ts'
import { createFairTurns } from '../../../src/onion-relay/fair-turns.ts'
import { defaultOnionRelayOptions } from '../../../src/onion-relay/options.ts'
import { decodeOuterFrame } from '../../../src/protocol/onion/outer-frame.ts'
import { buildOnionRequest } from '../../../src/protocol/onion/request.ts'
import { encodeHopRequest } from '../../../src/protocol/peer-api/onion-hop.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { createRelayNetwork, neverAborted } from './relay-network.ts'

const peer = (digit: string) => digit.repeat(64) as ServiceNodeKey
const flooder = peer('a')
const KIB = 1024

/** Turns whose requests' names are noted when they begin. */
function notedTurns(openingsPerTurn: number) {
  const turns = createFairTurns({ ...defaultOnionRelayOptions, openingsPerTurn })
  const begun: string[] = []
  const enter = async (previous: PreviousHop, name: string, bytes = 1) => {
    await turns.enter(previous, bytes)
    begun.push(name)
  }
  return { turns, begun, enter }
}

test('nobody waits as long as there is time for all', async () => {
  const { turns } = notedTurns(3)
  expect([1, 2, 3].map(() => turns.enter(flooder, 1))).toEqual([undefined, undefined, undefined])
  expect(turns.enter(flooder, 1)).toBeInstanceOf(Promise)
  await setImmediate()
  await setImmediate()
  expect(turns.enter(flooder, 1)).toBeUndefined()
})

test('a hop with many requests waits for itself, not the others for it', async () => {
  const { begun, enter } = notedTurns(2)
  const all = Array.from({ length: 50 }, (_, at) => enter(flooder, `a${at}`))
  all.push(enter(peer('b'), 'b0'), enter(peer('b'), 'b1'), enter(peer('c'), 'c0'))
  await Promise.all(all)
  expect(begun.slice(0, 7).toSorted()).toEqual(['a0', 'a1', 'a2', 'a3', 'b0', 'b1', 'c0'])
  expect(begun.slice(7)).toEqual(Array.from({ length: 46 }, (_, at) => `a${at + 4}`))
})

test('a large request counts for as much as it takes', async () => {
  const { begun, enter } = notedTurns(1)
  const all = ['a0', 'a1', 'a2'].map((name) => enter(flooder, name, 4 * 64 * KIB))
  for (let at = 0; at < 6; at++) all.push(enter(peer('b'), `b${at}`))
  await Promise.all(all)
  expect(begun.indexOf('b4')).toBeLessThan(begun.indexOf('a2'))
})

test('the clients of this node have as many shares as they have places', async () => {
  const { begun, enter } = notedTurns(1)
  const all = Array.from({ length: 20 }, (_, at) => enter(flooder, `a${at}`))
  for (let at = 0; at < 8; at++) all.push(enter('clients', `client${at}`))
  await Promise.all(all)
  expect(begun.indexOf('client7')).toBeLessThan(12)
})

test('whoever asks how much, every request begins once, and in the order of its hop', async () => {
  const hops = ['a', 'b', 'c'].map(peer)
  const arrivals = fc.array(fc.record({ hop: fc.nat(2), cost: fc.integer({ min: 1, max: 9 }) }), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(arrivals, fc.integer({ min: 1, max: 20 }), async (requests, openingsPerTurn) => {
      const turns = createFairTurns({ ...defaultOnionRelayOptions, openingsPerTurn })
      const begun: number[] = []
      await Promise.all(
        requests.map(async ({ hop, cost }, at) => {
          await turns.enter(hops[hop] ?? flooder, (cost - 1) * 64 * KIB)
          begun.push(at)
        }),
      )
      expect(begun.toSorted((a, b) => a - b)).toEqual(requests.map((_, at) => at))
      for (const hop of [0, 1, 2]) {
        const own = begun.filter((at) => requests[at]?.hop === hop)
        expect(own).toEqual(own.toSorted((a, b) => a - b))
      }
    }),
    { numRuns: 100 },
  )
})

test("a flooding guard does not keep another one's request from being relayed", async () => {
  await using network = await createRelayNetwork({ relay: { openingsPerTurn: 4 } })
  const [, relay, destination] = [0, 1, 2].map((index) => network.node(index))
  if (relay === undefined || destination === undefined) throw new Error('The network is too small')
  const request = () => {
    const { body } = buildOnionRequest({
      path: [relay.pathNode],
      destination: { kind: 'service-node', ...destination.pathNode },
      payload: utf8('{}'),
      encryption: 'xchacha20',
    })
    return encodeHopRequest({ ...decodeOuterFrame(body), hopNumber: 1 })
  }
  const answered: string[] = []
  const send = async (name: string, from: ServiceNodeKey) => {
    await relay.relay.handleHop(from, request(), neverAborted())
    answered.push(name)
  }
  const flood = Array.from({ length: 200 }, () => send('flood', network.node(3).key))
  await Promise.all([...flood, send('honest', network.node(0).key)])
  expect(answered).toHaveLength(201)
  expect(answered.indexOf('honest')).toBeLessThan(20)
})
