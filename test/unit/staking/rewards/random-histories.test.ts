// What the ledger is for: whatever happens on the chain, and whatever happened before a reorganisation, its members are the
// contract's, and every node has the same totals to the digit.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { networkIdOf } from '../../../../src/protocol/network-id.ts'
import { ledgerFilePath, readLedgerFile } from '../../../../src/staking/rewards/ledger-file.ts'
import { LogHistory } from '../../../../src/staking/rewards/log-history.ts'
import { defaultRewardsOptions, ledgerRules } from '../../../../src/staking/rewards/options.ts'
import { type RpcProxy, startRpcProxy } from '../rpc-proxy.ts'
import { temporaryFolder } from '../staked-chain.ts'
import { createRewardsChain, openLedger, type RewardsChain, type TestLedger } from './rewards-chain.ts'

const HOUR_S = 3600
const DAY_S = 24 * HOUR_S

let chain: RewardsChain
let proxies: readonly RpcProxy[]
/** Where a history begins; the chain does not reorganise what was before, or it could not go back there for the next one. */
let startBlock: number

beforeAll(async () => {
  chain = await createRewardsChain()
  proxies = await Promise.all([0, 1].map(() => startRpcProxy(chain.network.anvil.rpcUrl)))
}, 60_000)
afterAll(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})

type Action =
  | { readonly kind: 'register'; readonly fee: number; readonly pooled: boolean }
  | { readonly kind: 'request-exit' | 'exit-after-wait' | 'exit' | 'liquidate'; readonly pick: number }
  | { readonly kind: 'release' | 'pay' }
  | { readonly kind: 'pass-time'; readonly seconds: number }
  | { readonly kind: 'reorganise'; readonly depth: number }
  | { readonly kind: 'look' | 'restart'; readonly ledger: number }

const pick = fc.nat(20)
const ledger = fc.nat(1)
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('register' as const),
      fee: fc.constantFrom(0, 1, 1234, 10_000, 65_535),
      pooled: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('request-exit' as const, 'exit-after-wait' as const, 'exit' as const, 'liquidate' as const),
      pick,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('release' as const, 'release' as const, 'pay' as const) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass-time' as const),
      seconds: fc.constantFrom(HOUR_S, 3 * HOUR_S, DAY_S, 31 * DAY_S),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('reorganise' as const), depth: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('look' as const, 'restart' as const), ledger }) },
)

test('the index from logs is the contract’s list, and all ledgers are the same, through any history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyAction, { minLength: 10, maxLength: 16 }), async (actions) => {
      // anvil keeps the states of some 500 blocks, and a reorganisation needs that of the block which it goes back to.
      await chain.finalize()
      startBlock = Number(await chain.network.owner.getBlockNumber())
      const start = await chain.network.owner.snapshot()
      try {
        await live(actions)
      } finally {
        await chain.network.owner.revert({ id: start })
      }
    }),
    { numRuns: 6, endOnFailure: true },
  )
}, 120_000)

async function live(actions: readonly Action[]): Promise<void> {
  await using cleanup = new AsyncDisposableStack()
  const folders = await Promise.all([0, 1, 2].map(async () => cleanup.use(await temporaryFolder()).path))
  const urls = proxies.map(({ url }) => url)
  const open = (place: number) =>
    openLedger(chain, place === 0 ? urls : urls.toReversed(), folders[place] ?? '', {
      logPageBlocks: PAGES[place] ?? 1,
    })
  const ledgers: TestLedger[] = [await open(0), await open(1)]
  cleanup.defer(async () => {
    for (const opened of ledgers) await opened[Symbol.asyncDispose]()
  })

  for (const action of actions) {
    if (!('ledger' in action)) await act(action, ledgers[0])
    else if (action.kind === 'look') await ledgers[action.ledger]?.ledger.refresh()
    else {
      // Without waiting for the look under way: it ends in the middle.
      await ledgers[action.ledger]?.[Symbol.asyncDispose]()
      ledgers[action.ledger] = await open(action.ledger)
    }
  }

  await chain.passTime(DAY_S)
  await chain.finalize()
  ledgers.push(await open(2))
  for (const { ledger } of ledgers) await settle(ledger)
  await expectAgreement(ledgers, folders)
}

/** Pages of blocks that each ledger reads at once. */
const PAGES = [7, 3, 500]

/**
 * After a reorganisation one look takes back what is no longer so, and the next one reads on. A look that was under way while the
 * chain changed may fail; the next one does not mind.
 */
async function settle(ledger: TestLedger['ledger']): Promise<void> {
  const head = await chain.network.owner.getBlock({ blockTag: 'finalized' })
  for (let looks = 0; looks < 6; looks++) {
    await ledger.refresh()
    const { block, lastError } = ledger.status()
    if (block === Number(head.number) && lastError === undefined && ledger.current() !== undefined) return
  }
  throw new Error(`A ledger does not come to the head: ${JSON.stringify(ledger.status())}, ${head.number}`)
}

async function expectAgreement(ledgers: readonly TestLedger[], folders: readonly string[]): Promise<void> {
  const { owner, rewardsContract, anvil, rewards } = chain.network
  const head = await owner.getBlock({ blockTag: 'finalized' })
  const call = { ...rewardsContract, functionName: 'allServiceNodeIDs', blockNumber: head.number } as const
  const [ids] = await owner.readContract(call)
  const snapshots = ledgers.map(({ ledger }) => ledger.current())
  expect(new Set(snapshots.map((snapshot) => snapshot?.root)).size).toBe(1)
  expect(new Set(snapshots.map((snapshot) => `${snapshot?.index} ${snapshot?.blockHash}`)).size).toBe(1)
  for (const [place, { ledger }] of ledgers.entries()) {
    expect(ledger.status().dissent).toBeUndefined()
    const scope = { ...defaultRewardsOptions, network: networkIdOf(anvil.chainId, rewards) }
    const kept = await readLedgerFile(ledgerFilePath(folders[place] ?? ''), scope)
    if (kept === undefined) throw new Error('A ledger is kept on disk')
    const rules = ledgerRules(defaultRewardsOptions, { membersMax: 100 })
    const indexed = new LogHistory(rules, kept.history).ledger.members().map(({ id }) => id)
    expect(indexed.toSorted()).toEqual([...ids].toSorted())
  }
  const promised = [...(snapshots[0]?.totals.values() ?? [])].reduce((sum, total) => sum + total, 0n)
  expect(promised).toBeLessThanOrEqual(await chain.brought())
}

async function act(
  action: Exclude<Action, { readonly ledger: number }>,
  opened: TestLedger | undefined,
): Promise<void> {
  const { owner, operator } = chain.network
  switch (action.kind) {
    case 'register':
      return await chain.register(action)
    case 'release':
      return await chain.release()
    case 'pass-time':
      return await chain.passTime(action.seconds)
    case 'reorganise': {
      const depth = Math.min(action.depth, Number(await owner.getBlockNumber()) - startBlock)
      if (depth > 0) await owner.request({ method: 'anvil_reorg', params: [depth, []] } as never)
      return
    }
    case 'pay': {
      const total = opened?.ledger.total(operator.account.address)?.totalAtomic ?? 0n
      if (total > 0n) await chain.pay(operator, total)
      return
    }
    default: {
      const members = await chain.members()
      const member = members[action.pick % members.length]
      if (member === undefined || members.length < 4) return
      if (action.kind === 'request-exit') await chain.requestExit(member.id)
      else if (action.kind === 'exit-after-wait') await chain.exitAfterWait(member.id)
      else await chain.remove(member.id, action.kind)
    }
  }
}
