// What providers of the chain may do to a node, each fault with a node of its own, all on one chain and in one pass of time: no wrong
// member and no lost one, the operator is told within a minute, all is well within a minute after, and nobody is asked too much.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultSignatureOptions } from '../../../src/staking/signatures/options.ts'
import { refusalOfView } from '../../../src/staking/signatures/rules.ts'
import { BUDGET, EPOCH_S, type Fault, FaultWorld, type Row } from './fault-world.ts'
import { addsImpostor, claimsHead, type Lie, removesMember } from './provider-lies.ts'
import type { Behaviour } from './rpc-proxy.ts'
import { aNode } from './staked-chain.ts'

const DOWN: Behaviour = { kind: 'down' }
const GARBAGE: Behaviour = { kind: 'text', text: '<html>502 Bad Gateway</html>' }
const FIFTY_MEGABYTES: Behaviour = { kind: 'text', text: `{"result":"0x${'00'.repeat(25 * 1024 * 1024)}"}` }
const LIMITED: Behaviour = { kind: 'text', text: 'Too many requests', status: 429 }
const LIMITED_UNTIL: Behaviour = { ...LIMITED, headers: { 'retry-after': '25' } }
const INFLATED: Behaviour = {
  kind: 'lying',
  lie: claimsHead(({ number, timestampS }) => ({ number: number + 1_000_000n, timestampS: timestampS + 250_000n })),
}
/** As new as the honest ones', so that neither is the highest of all. */
const INFLATED_NUMBER: Behaviour = {
  kind: 'lying',
  lie: claimsHead(({ number, timestampS }) => ({ number: number + 1_000_000n, timestampS })),
}

const noting =
  (row: Row, lie: Lie): Lie =>
  (method, result, params) => {
    const told = lie(method, result, params)
    if (method === 'eth_call' && told !== result) row.liedAtMs ??= row.clock.nowMs()
    return told
  }

/** A fault of some of the providers that must be told. */
const FAULTS: readonly Fault[] = [
  { name: 'adds a member', providers: (_, row) => [{ kind: 'lying', lie: noting(row, addsImpostor) }] },
  { name: 'removes a member', providers: (_, row) => [{ kind: 'lying', lie: noting(row, removesMember) }] },
  { name: 'claims a height that cannot be', providers: () => [undefined, INFLATED] },
  { name: 'claims a number that cannot be', providers: () => [INFLATED_NUMBER] },
  { name: 'is 500 blocks behind', providers: () => [{ kind: 'stale', blocks: 500 }] },
  { name: 'turns to another chain', providers: ({ elsewhere }) => [{ kind: 'elsewhere', target: elsewhere }] },
  { name: 'answers garbage', providers: () => [GARBAGE] },
  { name: 'answers 50 MB', providers: () => [FIFTY_MEGABYTES] },
  { name: 'never answers', providers: () => [{ kind: 'silent' }], requestTimeoutMs: 6000 },
  { name: 'asks for patience', providers: () => [LIMITED] },
  { name: 'asks for patience until later', providers: () => [LIMITED_UNTIL] },
  { name: 'stands by and is down', providers: () => [undefined, undefined, DOWN] },
]

/** All three at once, so that nothing is believed, for half an hour. */
const OUTAGES: readonly Fault[] = [
  { name: 'are down', providers: () => [DOWN, DOWN, DOWN] },
  { name: 'ask for patience', providers: () => [LIMITED, LIMITED_UNTIL, LIMITED] },
]

/** What is no fault. */
const HARMLESS: readonly Fault[] = [
  { name: 'are honest', providers: () => [] },
  {
    name: 'give logs of two blocks at most',
    providers: () => [0, 1, 2].map(() => ({ kind: 'limiting', logBlocksMax: 2 })),
  },
]

let world: FaultWorld
let rows: readonly Row[]
const members: bigint[] = []

const rowOf = (fault: Fault): Row => {
  const found = rows.find((row) => row.fault === fault)
  if (found === undefined) throw new RangeError('There is a row for each fault')
  return found
}
const rowsOf = (faults: readonly Fault[]) => faults.map(rowOf)

/** Notes what the operator is told, from a moment on. */
function watch(watched: readonly Row[], note: (row: Row, isTold: boolean, afterS: number) => void): () => void {
  const since = watched.map(({ clock }) => clock.nowMs())
  return () =>
    watched.forEach((row, place) => {
      const sinceMs = Math.max(since[place] ?? 0, row.liedAtMs ?? 0)
      note(row, row.trouble() !== undefined, (row.clock.nowMs() - sinceMs) / 1000)
    })
}

const change = async () => {
  const [first] = members.splice(0, 1)
  if (first !== undefined) await world.chain.requestExit(first)
  await world.chain.register(aNode())
}

const begin = (faulty: readonly Row[]) => {
  for (const row of faulty) {
    row.fault.providers(world, row).forEach((behaviour, place) => {
      const proxy = row.proxies[place]
      if (proxy !== undefined && behaviour !== undefined) proxy.behaviour = behaviour
    })
  }
  return watch(faulty, (row, isTold, afterS) => {
    if (isTold) row.degradedAfterS ??= afterS
  })
}

const end = (faulty: readonly Row[]) => {
  for (const row of faulty) for (const proxy of row.proxies) proxy.behaviour = { kind: 'honest' }
  return watch(faulty, (row, isTold, afterS) => {
    if (!isTold) row.wellAfterS ??= afterS
    else row.wellAfterS = undefined
  })
}

beforeAll(async () => {
  world = await FaultWorld.begin(async (chain) => {
    for (let count = 0; count < 4; count++) members.push((await chain.register(aNode())).id)
  })
  rows = await Promise.all([...FAULTS, ...OUTAGES, ...HARMLESS].map((fault) => world.openRow(fault)))
  await world.pass(40, rows)

  // Right after a look: the next one is as far away as it can be.
  const told = begin(rows)
  await change()
  await world.pass(60, rows, told)

  const outages = rowsOf(OUTAGES)
  const others = rows.filter((row) => !outages.includes(row))
  const well = end(others)
  await change()
  await world.pass(60, others, well)

  for (let minute = 0; minute < 27; minute++) {
    await world.passUnseen(60, rows)
    for (const row of outages) await row.follower.refresh()
  }
  await world.pass(60, outages)
  const wellAgain = end(outages)
  await change()
  await world.pass(60, outages, wellAgain)
  await world.pass(40, rows)
}, 240_000)
afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
})

/** Every list that the node ever had was the contract's, and it has the newest. */
async function expectTruth(row: Row): Promise<void> {
  expect(row.epochs.length).toBeGreaterThan(2)
  for (const epoch of row.epochs) await world.expectTrue(epoch)
  const newest = Math.max(...rows.map(({ follower }) => follower.current()?.index ?? 0))
  expect(row.follower.status()).toMatchObject({ currentEpoch: newest, lastError: undefined, standing: 'full' })
}

function expectWithinBudget(row: Row): void {
  const passedS = (row.clock.nowMs() - row.startedAtMs) / 1000
  const allowed = BUDGET.requestsBurst + BUDGET.requestsPerSecond * passedS
  for (const { methods } of row.proxies) expect(methods.length).toBeLessThanOrEqual(allowed)
}

test.each(FAULTS)('one provider of three that $name changes nothing and is told within a minute', async (fault) => {
  const row = rowOf(fault)
  await expectTruth(row)
  expect(row.degradedAfterS).toBeLessThan(60)
  expect(row.wellAfterS).toBeLessThan(60)
  expectWithinBudget(row)
})

test.each(OUTAGES)('three providers that $name for half an hour leave the list as it was', async (fault) => {
  const row = rowOf(fault)
  await expectTruth(row)
  expect(row.degradedAfterS).toBeLessThan(60)
  expect(row.wellAfterS).toBeLessThan(60)
  expectWithinBudget(row)
  // Half an hour without a list, which is an epoch each minute otherwise.
  const gaps = row.epochs.map(({ index }, place) => index - (row.epochs[place - 1]?.index ?? index))
  expect(Math.max(...gaps) * EPOCH_S).toBeGreaterThan(25 * 60)
})

test.each(HARMLESS)('three providers that $name are all used, and nothing is told', async (fault) => {
  const row = rowOf(fault)
  await expectTruth(row)
  expect(row.warnings).toEqual([])
  expect(row.degradedAfterS).toBeUndefined()
  expectWithinBudget(row)
})

test('each fault is told once when it comes, with its provider and what it is', () => {
  const codeOf = (place: number) => /"code":"(\w+)"/.exec(rowOf(FAULTS[place] as Fault).warnings.join())?.[1]
  expect(FAULTS.map((_, place) => codeOf(place))).toEqual([
    'PROVIDER_DISAGREES',
    'PROVIDER_DISAGREES',
    'PROVIDER_AHEAD',
    'PROVIDER_AHEAD',
    'PROVIDER_BEHIND',
    'CHAIN_WRONG',
    'PROVIDER_REPLY_MALFORMED',
    'PROVIDER_REPLY_TOO_LARGE',
    'PROVIDER_TIMEOUT',
    'PROVIDER_LIMITED',
    'PROVIDER_LIMITED',
    'PROVIDER_UNREACHABLE',
  ])
  // Which provider, what that means for the node, and which epoch it contradicted.
  for (const { fault, warnings } of rowsOf(FAULTS)) expect([fault.name, ...warnings].slice(4)).toEqual([])
})

test('twenty final blocks that are replaced after all take their members with them', async () => {
  const followed = rowsOf(HARMLESS)
  const newcomer = await world.chain.register(aNode())
  await world.pass(80, followed)
  for (const { follower } of followed) expect(follower.current()?.members.map(({ id }) => id)).toContain(newcomer.id)
  for (const row of followed) row.epochs.length = 0

  await world.reorganise(20)
  await world.pass(60, followed)
  for (const { follower, epochs, warnings } of followed) {
    expect(follower.current()?.members.map(({ id }) => id)).not.toContain(newcomer.id)
    for (const epoch of [follower.current(), follower.previous(), ...epochs]) {
      if (epoch !== undefined) await world.expectTrue(epoch)
    }
    expect(follower.status()).toMatchObject({ lastError: undefined, standing: 'full' })
    expect(warnings).toEqual([expect.stringContaining('Final blocks changed')])
  }
})

test('a chain that stands still keeps its members, tells the operator, and has nothing signed', async () => {
  const [row] = rowsOf(HARMLESS)
  if (row === undefined) throw new RangeError('There is an honest row')
  const before = row.follower.current()
  const signs = () =>
    refusalOfView(
      {
        ...{ nowMs: row.clock.nowMs(), epoch: row.follower.current(), isDoubted: false, isPaused: false },
        ...{ finalizedAgeMs: row.follower.status().headAgeMs, nextListAgeMs: 0 },
      },
      defaultSignatureOptions,
    )
  expect(signs()).toBeUndefined()
  // Only the clock goes on.
  row.clock.advance(3300_000)
  await row.follower.refresh()
  expect([signs(), row.trouble()]).toEqual([undefined, undefined])

  row.clock.advance(600_000)
  await row.follower.refresh()
  expect(row.follower.current()).toBe(before)
  expect(signs()).toBe('chain-frozen')
  expect(row.trouble()).toMatch(/6\d minutes old/)
  expect(await row.registry.expose()).toContain('starling_staking_chain_frozen 1')
})
