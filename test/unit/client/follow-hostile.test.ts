// Members that tell of messages as they should not: they may cost a client time, and never much of it.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { accountFromSeed } from '../../../src/client/account.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { type RealSwarm, START_MS, startRealSwarm } from './real-swarm.ts'

const alice = accountFromSeed('11'.repeat(32))
const bob = accountFromSeed('22'.repeat(32))

let real: RealSwarm
let stop: AbortController

beforeEach(async () => {
  stop = new AbortController()
  real = await startRealSwarm(6, 3)
})
afterEach(async () => {
  stop.abort()
  await real[Symbol.asyncDispose]()
})

test.each<[string, JsonObject]>([
  ['answer at once that there is nothing', { news: [], t: START_MS, hf: [19, 4] }],
  ['speak of news where there are none', { news: [0], t: START_MS, hf: [19, 4] }],
])('members that %s are asked again after a pause', async (_, body) => {
  for (const node of real.network.nodes) {
    const { answer } = node
    node.answer = (request) => (request.method === 'monitor' ? { status: 200, body } : answer(request))
  }
  // A pause is five seconds.
  const followed = real.clientOf({ account: alice }).follow({ signal: stop.signal, intervalMs: 60_000 })
  const first = followed.next()
  first.catch(() => {})
  await expect.poll(() => real.asked('monitor'), { interval: 5 }).toBe(1)
  // Long enough for many questions more, if there were no pause.
  const other = real.clientOf({ account: bob })
  for (let n = 0; n < 5; n++) await other.info()
  expect(real.asked('monitor')).toBe(1)
})
