// What it takes a node to know 2,000 members: the first epoch, with Multicall3 and without, the epochs after it, and a restart. Each
// measurement is of a process of its own, against one that only asks two providers the same calls.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert } from '../src/base/assert.ts'
import type { MembershipOrder, MembershipReport } from './membership-process.ts'
import type { ProviderLoad } from './provider-load.ts'
import { type Benchmark, median, type Ratio } from './ratio.ts'
import { type SeededChain, startSeededChain } from './seeded-chain.ts'

const MEMBERS = 2000
const ROUNDS = 3
const LIMIT_NAME = 'the bare calls'

export const benchmark: Benchmark = {
  name: 'membership',
  async run() {
    await using chain = await startSeededChain(MEMBERS)
    const walking = await firstEpoch(chain, 'one call a member', false)
    await chain.placeMulticall()
    await chain.passEpoch()
    const bundled = await firstEpoch(chain, 'Multicall3', true)
    return [...walking, ...bundled, ...(await laterEpochs(chain))]
  },
}

/** The least share of the limit that we mean to reach, for a first epoch. */
const GOALS = {
  'one call a member': { ms: 0.5, requests: 0.9, mib: 0.9, peakMib: 0.5, blockedMs: 0.3 },
  Multicall3: { ms: 0.15, requests: 0.2, mib: 0.9, peakMib: 0.25, blockedMs: 0.2 },
}

async function firstEpoch(chain: SeededChain, way: keyof typeof GOALS, bundled: boolean): Promise<Ratio[]> {
  const block = await chain.passEpoch()
  const [ours, limit]: [ProviderLoad[], ProviderLoad[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    await using node = await startNode(chain)
    const { load, epoch } = await node.carryOut('follow')
    assert(epoch?.members === MEMBERS, 'All members are known')
    ours.push(load)
    await using asker = await startNode(chain)
    limit.push((await asker.carryOut({ kind: 'ask', settings: asker.settings, bundled, block })).load)
  }
  const goals = GOALS[way]
  const name = `first epoch of ${MEMBERS} members, ${way}`
  const line = (what: string, measure: keyof typeof goals, unit: NonNullable<Ratio['unit']>): Ratio => ({
    ...{ name: `${name}: ${what}`, limitName: LIMIT_NAME, unit, goal: goals[measure] },
    ours: median(ours.map((load) => load[measure])),
    limit: median(limit.map((load) => load[measure])),
  })
  return [
    line('time', 'ms', 'ms'),
    line('requests to one provider', 'requests', 'requests'),
    line('answers of both', 'mib', 'MiB'),
    line('memory at its peak', 'peakMib', 'MiB'),
    line('longest stop of the event loop', 'blockedMs', 'ms'),
  ]
}

/** An epoch that changes nothing, one that changes one member, and a restart, in requests to one provider. */
async function laterEpochs(chain: SeededChain): Promise<Ratio[]> {
  await using node = await startNode(chain)
  await node.carryOut('follow')
  await chain.passEpoch()
  const unchanged = await node.carryOut('look')
  await chain.requestExit(1n)
  await chain.passEpoch()
  const changed = await node.carryOut('look')
  assert(unchanged.epoch?.root !== changed.epoch?.root, 'An exit request shows in the root')
  await node.end()
  const restarted = await node.carryOut('follow')
  assert(restarted.epoch?.root === changed.epoch?.root, 'A restart goes on with the same list')
  const line = (name: string, { load }: MembershipReport, limitName: string, limit: number, goal: number): Ratio => ({
    ...{ name: `${name}: requests to one provider`, limitName, limit, goal },
    ...{ ours: load.requests, unit: 'requests' },
  })
  return [
    line('an epoch that changes nothing', unchanged, 'a look at the head, at the boundary and at the logs', 3, 0.2),
    line('an epoch that changes one member', changed, 'these, the list of ids and the member', 5, 0.3),
    line('a restart in the same epoch', restarted, 'a look at the chain, the contract and the head', 3, 0.1),
  ]
}

async function startNode(chain: SeededChain) {
  const stateFolder = await mkdtemp(join(tmpdir(), 'starling-membership-'))
  const settings = { ...chain.settings, stateFolder }
  let child = startProcess()
  const end = async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    child = startProcess()
  }
  return {
    settings,
    end,
    async carryOut(order: MembershipOrder | 'follow' | 'look'): Promise<MembershipReport> {
      child.send(order === 'follow' ? { kind: order, settings } : order === 'look' ? { kind: order } : order)
      const [report] = (await once(child, 'message')) as [MembershipReport]
      return report
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(stateFolder, { recursive: true, force: true })
    },
  }
}

function startProcess() {
  return fork(join(import.meta.dirname, 'membership-process.ts'), [], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}
