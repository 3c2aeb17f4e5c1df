// The whole list of conformance cases, over HTTPS and through three onion hops, against one network that grows from 8 to
// 12, 24 and 30 nodes: real sockets, real databases and a real chain; all nodes in this process, the suite in its own.
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CASES } from '../../conformance/case-list.ts'
import { COVERAGE } from '../../conformance/coverage.ts'
import type { TestedNetwork } from '../../conformance/suite.ts'
import type { Devnet, DevnetNode } from '../../devnet/network.ts'
import { listFrom } from '../../devnet/node-request.ts'
import { membersOnChain, swarmsOf } from '../../devnet/swarms.ts'
import { swarmIdText } from '../../src/protocol/service-node.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { readMetrics } from '../support/node-metrics.ts'
import { Program } from '../support/program.ts'

const SIZES = [8, 12, 24, 30] as const
const MAIN = join(import.meta.dirname, '../../conformance/main.ts')
/** Twenty seconds on an idle machine; a busy one may take its time. */
const ROUND_MAX_MS = 600_000
const CASE_MAX_S = 180

interface Report extends TestedNetwork {
  readonly results: readonly {
    readonly subject: string
    readonly aspect: string
    readonly name: string
    readonly transport: string
    readonly verdict: 'pass' | 'fail' | 'not applicable'
  }[]
}

let devnet: Devnet & { folder: string }
const nodes: DevnetNode[] = []
const added = new AsyncDisposableStack()

beforeAll(async () => {
  const [first, last] = [SIZES[0], SIZES.at(-1) ?? SIZES[0]]
  devnet = await startTestDevnet({ nodes: first, inProcess: true, spareOperators: last - first, logLevel: 'warn' })
  nodes.push(...devnet.nodes)
})

afterAll(async () => {
  await added.disposeAsync()
  await devnet?.[Symbol.asyncDispose]()
})

for (const size of SIZES) {
  test(
    `a node of a network of ${size} does all that the protocol says`,
    async () => {
      await grow(size)
      const swarms = swarmsOf(await membersOnChain(devnet.chain), devnet.chain)
      // The node that came last has none of the others' habits.
      const asked = nodes.at(-1) as DevnetNode
      const swarm = swarms.find(({ members }) => members.includes(asked.key))

      const report = await runConformance(asked)
      expect(report.results.filter(({ verdict }) => verdict === 'fail')).toEqual([])
      const { key, members, membersAnswering } = report
      const memberCount = swarm?.members.length
      expect({ key, nodes: report.nodes, swarms: report.swarms, members, membersAnswering }).toEqual({
        key: asked.key,
        nodes: size,
        swarms: swarms.length,
        members: memberCount,
        membersAnswering: memberCount,
      })
      expectWhole(report, swarms.length)
    },
    ROUND_MAX_MS,
  )
}

/** Every case has an outcome over each of its transports, and every method has passed each kind of case over both. */
function expectWhole({ results }: Report, swarms: number): void {
  const ran = results.map(({ subject, name, transport }) => `${subject} ${transport}: ${name}`)
  const all = CASES.flatMap(({ subject, name, over }) => over.map((transport) => `${subject} ${transport}: ${name}`))
  expect(ran.sort()).toEqual(all.sort())
  const passed = new Set(
    results.filter(({ verdict }) => verdict === 'pass').map((one) => `${one.subject} ${one.transport} ${one.aspect}`),
  )
  const needed = Object.entries(COVERAGE).flatMap(([method, { aspects }]) =>
    aspects.flatMap((aspect) => ['https', 'onion'].map((transport) => `${method} ${transport} ${aspect}`)),
  )
  expect(needed.filter((line) => !passed.has(line))).toEqual([])
  // Only with one swarm is there nobody to be sent to.
  if (swarms > 1) expect(results.filter(({ verdict }) => verdict === 'not applicable')).toEqual([])
}

async function runConformance({ ip, httpsPort }: DevnetNode): Promise<Report> {
  await using program = new Program(process.execPath, [
    MAIN,
    '--url',
    `https://${ip}:${httpsPort}`,
    '--json',
    '--case-timeout',
    `${CASE_MAX_S}`,
  ])
  const { code, stdout, stderr } = await program.ended(ROUND_MAX_MS)
  expect(stdout, `it ended with ${code}: ${stderr}`).toMatch(/^\{/)
  const report = JSON.parse(stdout) as Report
  expect(code === 0).toBe(report.results.every(({ verdict }) => verdict !== 'fail'))
  return report
}

/** Stakes and starts more nodes, and waits until all agree on who keeps what. */
async function grow(size: number): Promise<void> {
  const indices = Array.from({ length: size - nodes.length }, (_, at) => nodes.length + at + 1)
  const operators = await Promise.all(indices.map((index) => devnet.createOperator(index)))
  await Promise.all(operators.map((operator) => devnet.chain.register(operator)))
  for (const [at, index] of indices.entries()) {
    const operator = operators[at]
    if (operator === undefined) throw new Error('There is an operator for each index')
    nodes.push(added.adopt(await devnet.prepare(index, operator), ({ runner }) => runner[Symbol.asyncDispose]()))
  }
  await Promise.all(nodes.slice(size - indices.length).map((node) => devnet.start(node)))
  await agreed(size)
  if (indices.length > 0) await forgotten()
}

/** Every node lists all the others in their swarms. */
async function agreed(size: number): Promise<void> {
  const swarms = swarmsOf(await membersOnChain(devnet.chain), devnet.chain)
  const right = swarms.flatMap(({ id, members }) => members.map((key) => `${key} ${swarmIdText(id)}`)).sort()
  // One node after another: each answer costs a handshake, and all of them share this process.
  for (const node of nodes) {
    await eventually(`node ${node.index} knows all ${size}`, async () => {
      const listed = (await listFrom(node)).filter(({ ip }) => ip !== '0.0.0.0')
      return isDeepStrictEqual(listed.map(({ key, swarm }) => `${key} ${swarm}`).sort(), right) ? true : undefined
    })
  }
}

/** No node serves as a member of a swarm that it has just left. */
async function forgotten(): Promise<void> {
  const epochs = await Promise.all(nodes.map(epochOf))
  for (const [at, node] of nodes.entries()) {
    await eventually('the swarms before are forgotten', async () =>
      (await epochOf(node)) > (epochs[at] ?? 0) + 1 ? true : undefined,
    )
  }
}

async function epochOf(node: DevnetNode): Promise<number> {
  return (await readMetrics(node)).sum('starling_staking_epoch_index')
}
