import { expect, test } from 'vitest'
import { toBase64 } from '../../../src/base/bytes.ts'
import { DAY } from '../../../src/base/clock.ts'
import { anAccount, createTestNetwork, NO_SWARMS, START_MS } from './rpc-fixture.ts'

const alice = anAccount(1)
const info = { method: 'info', params: {} }
const swarm = { method: 'get_swarm', params: { pubkey: alice.id } }
const store = {
  method: 'store',
  params: { pubkey: alice.id, timestamp: START_MS, ttl: DAY, data: toBase64(Buffer.from('a')) },
}
/** Parameters as a client sends them; what is undefined is left out. */
const choice = (condition: unknown, whenTrue?: unknown, whenFalse?: unknown): object =>
  Object.fromEntries(
    Object.entries({ if: condition, else: whenFalse })
      .concat([['then', whenTrue]])
      .filter(([, value]) => value !== undefined),
  )
/** What the test network's nodes are: hard fork 19.4, version 1.2.3, block 7. */
const facts = { hf: [19, 4], v: [1, 2, 3], height: 7 }

test.each([
  [{ hf_at_least: [19, 4] }, true],
  [{ hf_at_least: [19, 5] }, false],
  [{ hf_at_least: [20] }, false],
  [{ hf_at_least: 19 }, true],
  [{ hf_at_least: [19, 4, 99] }, true],
  [{ hf_at_least: [] }, true],
  [{ hf_before: [19, 4] }, false],
  [{ hf_before: [19, 5] }, true],
  [{ hf_before: 19 }, false],
  [{ v_at_least: [1, 2, 3] }, true],
  [{ v_at_least: [1, 2, 4] }, false],
  [{ v_at_least: [1, 3] }, false],
  [{ v_at_least: [0, 99, 99] }, true],
  [{ v_before: [1, 2, 4] }, true],
  [{ v_before: 1 }, false],
  [{ height_at_least: 7 }, true],
  [{ height_at_least: 8 }, false],
  [{ height_before: 8 }, true],
  [{ height_before: 7 }, false],
  [{ height_at_least: -1 }, true],
  [{ hf_at_least: [19], v_before: [2], height_at_least: 7, height_before: 8 }, true],
  [{ hf_at_least: [19], v_before: [2], height_at_least: 8 }, false],
  [{ hf_at_least: [19], v_at_least: null, other: 'ignored' }, true],
])('if %o, the condition is %s', async (condition, holds) => {
  await using network = await createTestNetwork(1)
  const { status, json } = await network.first.call('ifelse', choice(condition, info, swarm))
  const body = holds ? { timestamp: START_MS } : { swarm: expect.anything() }
  expect({ status, json }).toMatchObject({
    status: 200,
    json: { ...facts, condition: holds, result: { code: 200, body } },
  })
})

test('without a branch for the condition there is no result, and only the other one has run', async () => {
  await using network = await createTestNetwork(1)
  const no = { hf_at_least: [20] }
  const { json } = await network.first.call('ifelse', choice(no, store))
  expect(json).toEqual({ ...facts, condition: false })
  expect(network.first.store.store.statistics().messages).toBe(0)
  const yes = await network.first.call('ifelse', choice({ hf_at_least: [19] }, store, null))
  expect(yes.json).toMatchObject({ condition: true, result: { code: 200, body: { hash: expect.any(String) } } })
})

test('a branch may be any method, and fail', async () => {
  await using network = await createTestNetwork(1)
  const yes = { hf_at_least: [19] }
  const refused = { method: 'retrieve', params: { pubkey: alice.id } }
  const batch = { method: 'batch', params: { requests: [info, refused] } }
  const inner = { method: 'ifelse', params: choice({ hf_before: [19] }, info, batch) }
  const { status, json } = await network.first.call('ifelse', choice(yes, inner))
  expect(status).toBe(200)
  expect(json['result']).toMatchObject({
    code: 200,
    body: { condition: false, result: { code: 200, body: { results: [{ code: 200 }, { code: 401 }] } } },
  })
  expect((await network.first.call('ifelse', choice(yes, refused))).json['result']).toEqual({
    code: 401,
    body: 'retrieve: request signature required',
  })
})

test('before the service node list is known the height is 0', async () => {
  await using network = await createTestNetwork(1, { components: { swarm: NO_SWARMS } })
  const { json } = await network.first.call('ifelse', choice({ height_before: 1 }, info))
  expect(json).toMatchObject({ height: 0, condition: true })
})

const yes = { hf_at_least: [19] }
test.each([
  [choice(undefined, info), 'Invalid ifelse request: no valid "if" conditions'],
  [choice({}, info), 'Invalid ifelse request: no valid "if" conditions'],
  [{ if: yes }, 'Invalid ifelse request: at least one of "then" and "else" is required'],
  [choice(yes, 'info'), 'Invalid ifelse request: "then" must have method/params keys'],
  [choice(yes, info, { method: 'info' }), 'Invalid ifelse request: "else" must have method/params keys'],
  [choice(yes, { method: 'x', params: {} }), 'Invalid ifelse request: invalid method "x"'],
  [choice({ hf_at_least: '19' }, info), "Invalid value given for 'hf_at_least': expected integer array"],
  [choice({ v_before: [1, '2'] }, info), "Invalid value given for 'v_before': expected integer array"],
  [choice({ height_before: [1] }, info), "Invalid value given for 'height_before': expected integer"],
  [choice(yes, store, { method: 'store', params: {} }), "Required field 'pubkey' missing"],
])('%o is refused before any branch runs', async (params, text) => {
  await using network = await createTestNetwork(1)
  const answer = await network.first.call('ifelse', params)
  expect(answer).toMatchObject({ status: 400, body: `invalid request: ${text}` })
  expect(network.first.store.store.statistics().messages).toBe(0)
})

test('a batch takes none', async () => {
  await using network = await createTestNetwork(1)
  const requests = [{ method: 'ifelse', params: choice(yes, info) }]
  const body = 'invalid request: Invalid batch subrequest: subrequests may not contain meta-requests'
  expect(await network.first.call('batch', { requests })).toMatchObject({ status: 400, body })
})
