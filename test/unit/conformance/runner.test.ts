// How cases become verdicts, and verdicts a report.
import { expect, test } from 'vitest'
import { casesOf } from '../../../conformance/case.ts'
import { expectEqual, NotApplicable } from '../../../conformance/expectations.ts'
import { HttpsExchange } from '../../../conformance/https-exchange.ts'
import type { NetworkNode, NetworkView } from '../../../conformance/network-view.ts'
import { jsonReport, printedReport } from '../../../conformance/report.ts'
import { runCases } from '../../../conformance/runner.ts'
import type { Transport } from '../../../conformance/transport.ts'

const key = 'ab'.repeat(32)
const node: NetworkNode = {
  key,
  x25519: key,
  legacyKey: key,
  ip: '127.0.0.1',
  swarm: '0',
  place: { host: '127.0.0.1', port: 1 },
}
const view: NetworkView = { node, nodes: [node], swarmIds: [0n], clockOffsetMs: 0 }
const network = { key, nodes: 1, swarms: 1, members: 1, membersAnswering: 1 }

/** A node that answers each method with its name. */
const https: Transport = {
  name: 'https',
  ask: async (_node, text) => ({ status: 200, body: (JSON.parse(text) as { method: string }).method }),
}
const onion: Transport = { ...https, name: 'onion' }

const write = casesOf('echo')
const CASES = [
  write.success('says its name', async (context) => {
    expectEqual('body', (await context.ask('echo', {})).body, 'echo')
  }),
  write.success(
    'says another name',
    async (context) => {
      expectEqual('body', (await context.ask('echo', {})).body, 'other')
    },
    { basis: 'ours', over: 'https' },
  ),
  write.boundary('has nobody to ask', () => Promise.reject(new NotApplicable('there is nobody')), { over: 'onion' }),
  write.refusal('refuses', 400, 'no', () => ({}), { over: 'https' }),
]

async function run(cases = CASES, caseTimeoutMs = 60_000) {
  using exchange = new HttpsExchange()
  const told: string[] = []
  const outcomes = await runCases(
    cases,
    { https: exchange, view, members: [node], transports: [https, onion], onOutcome: (one) => told.push(one.verdict) },
    { concurrency: 2, caseTimeoutMs },
  )
  expect(told).toHaveLength(outcomes.length)
  return outcomes
}

test('each case runs over its transports, and the outcomes come in the order of the cases', async () => {
  const outcomes = await run()
  expect(outcomes.map((one) => [one.case.name, one.transport, one.verdict])).toEqual([
    ['says its name', 'https', 'pass'],
    ['says its name', 'onion', 'pass'],
    ['says another name', 'https', 'fail'],
    ['has nobody to ask', 'onion', 'not applicable'],
    ['refuses', 'https', 'fail'],
  ])
  expect(outcomes[2]).toMatchObject({ reason: 'body', expected: '"other"', actual: '"echo"' })
  expect(outcomes[4]).toMatchObject({ expected: '[400,"no"]', actual: '[200,"echo"]' })
})

test('the table has a line for each case, and tells what failed', async () => {
  const report = printedReport(await run())
  expect(report).toMatch(/^ {2}says its name +spec +pass +pass$/m)
  expect(report).toMatch(/^ {2}says another name +ours +FAIL +-$/m)
  expect(report).toMatch(/^ {2}has nobody to ask +spec +- +n\/a$/m)
  expect(report).toContain('FAIL echo over https: says another name\n  body\n  expected: "other"\n  actual:   "echo"\n')
  expect(report).toContain('https: 3 cases, 1 pass, 2 fail (1 of them of the protocol itself), 0 not applicable')
  expect(report).toContain('Not applicable because there is nobody')
})

test('programs get the same as an object', async () => {
  const report = JSON.parse(JSON.stringify(jsonReport(network, await run())))
  expect(report).toMatchObject(network)
  expect(report.results).toHaveLength(5)
  expect(report.results[2]).toMatchObject({
    subject: 'echo',
    aspect: 'success',
    basis: 'ours',
    verdict: 'fail',
    actual: '"echo"',
  })
})

test('a case that does not end fails at its deadline', async () => {
  const [outcome] = await run([write.success('never ends', () => new Promise(() => {}), { over: 'https' })], 10)
  expect(outcome).toMatchObject({ verdict: 'fail', reason: 'not done in 0.01 s' })
})
