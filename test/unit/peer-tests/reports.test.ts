import { describe, expect, test } from 'vitest'
import { MINUTE } from '../../../src/base/clock.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { MemberVerdicts } from '../../../src/peer-tests/member-verdicts.ts'
import { defaultPeerTestsOptions as options } from '../../../src/peer-tests/options.ts'
import { OwnStanding, standingTroubles } from '../../../src/peer-tests/own-standing.ts'
import { Reports } from '../../../src/peer-tests/reports.ts'
import type { NetworkId } from '../../../src/protocol/network-id.ts'
import { PROBE_REPORT_ROWS_MAX, readProbeReport } from '../../../src/protocol/peer-api/probe-report.ts'
import { createTestClock } from '../storage/store-fixture.ts'
import { type Person, people, testMetrics } from './peer-tests-fixture.ts'

const network = 'ab'.repeat(32) as NetworkId
const everyone = people(220)
const members = everyone.map(({ member }) => member)

function aNode(person: Person, changes: { network?: NetworkId; epoch?: number } = {}) {
  const clock = createTestClock()
  const { metrics, expose } = testMetrics()
  const verdicts = new MemberVerdicts({ clock, metrics }, options)
  const standing = new OwnStanding({ clock, metrics }, options)
  const reports = new Reports({
    ...{ clock, metrics, verdicts, standing, network: changes.network ?? network },
    identity: { key: person.key, sign: (bytes) => sign(bytes, person.pair.secretKey) },
    swarm: { members: () => members, epoch: () => ({ index: changes.epoch ?? 7 }) },
  })
  /** What this node found of another, after as many tests as it takes. */
  const find = (of: Person, https: 'passed' | 'failed') => {
    for (let time = 0; time < 2; time++) verdicts.note(of.key, 'https', https)
  }
  return { ...person, clock, standing, reports, verdicts, find, expose }
}

const nodes = () => everyone.slice(0, 9).map((person) => aNode(person)) as [Tester, ...Tester[]]
type Tester = ReturnType<typeof aNode>
const OWN = { httpsPort: 22_021, peerPort: 22_020 }

describe('what testers say of a node', () => {
  test('is counted, and told with the port and a remedy when most of them fail', async () => {
    const [self, ...testers] = nodes()
    for (const [at, tester] of testers.slice(0, 7).entries()) {
      tester.find(self, at < 5 ? 'failed' : 'passed')
      expect(self.reports.take(tester.key, tester.reports.write(0)?.bytes ?? Buffer.of())).toBe(true)
    }
    expect(self.standing.standings().https).toEqual({ testers: 7, failing: 5 })
    expect(standingTroubles(self.standing.standings(), OWN)).toEqual([
      { test: 'https', sentence: expect.stringMatching(/^5 of 7 testers can't reach port 22021 .*firewall/) },
    ])
    self.standing.keep(new Set(members.map(({ key }) => key)))
    expect(await self.expose()).toContain('starling_peer_tests_failing_testers{test="https"} 5')
    // What nobody says any more is forgotten.
    self.clock.pass(options.reportMemoryMs + 1)
    self.standing.keep(new Set(members.map(({ key }) => key)))
    expect(self.standing.standings().https).toEqual({ testers: 0, failing: 0 })
  })

  test('is no trouble while half of them or more reach it, or while only one says so', () => {
    const [self, ...testers] = nodes()
    const troubles = () => standingTroubles(self.standing.standings(), OWN)
    const [liar, ...honest] = testers as [Tester, ...Tester[]]
    liar.find(self, 'failed')
    self.reports.take(liar.key, liar.reports.write(0)?.bytes ?? Buffer.of())
    expect(troubles()).toEqual([])
    for (const tester of honest.slice(0, 1)) {
      tester.find(self, 'passed')
      self.reports.take(tester.key, tester.reports.write(0)?.bytes ?? Buffer.of())
    }
    expect(self.standing.standings().https).toEqual({ testers: 2, failing: 1 })
    expect(troubles()).toEqual([])
  })

  test('is not taken from somebody else, for another network or epoch, twice, or in pieces', () => {
    const [self, tester, other] = nodes() as [Tester, Tester, Tester]
    tester.find(self, 'failed')
    const bytes = tester.reports.write(0)?.bytes ?? Buffer.of()
    expect(self.reports.take(other.key, bytes)).toBe(false)
    expect(self.reports.take(tester.key, bytes.subarray(1))).toBe(false)
    expect(aNode(self, { network: 'cd'.repeat(32) as NetworkId }).reports.take(tester.key, bytes)).toBe(false)
    expect(aNode(self, { epoch: 9 }).reports.take(tester.key, bytes)).toBe(false)
    expect(aNode(self, { epoch: 8 }).reports.take(tester.key, bytes)).toBe(true)
    expect(self.reports.take(tester.key, bytes)).toBe(true)
    expect(self.reports.take(tester.key, bytes)).toBe(false)
    expect(self.standing.standings().https).toEqual({ testers: 1, failing: 1 })
  })

  test('counts as its newest report has it, although the clock of the tester was set back', () => {
    const [self, tester] = nodes() as [Tester, Tester]
    tester.find(self, 'failed')
    self.reports.take(tester.key, tester.reports.write(0)?.bytes ?? Buffer.of())
    tester.clock.wallMs -= 60 * MINUTE
    tester.find(self, 'passed')
    expect(self.reports.take(tester.key, tester.reports.write(0)?.bytes ?? Buffer.of())).toBe(true)
    expect(self.standing.standings().https).toEqual({ testers: 1, failing: 0 })
  })
})

test('a report is of what was tested since the last one, and those that fail go first where it is full', () => {
  const [first, ...others] = everyone
  const tester = aNode(first as Person)
  expect(tester.reports.write(0)).toBeUndefined()
  for (const [at, other] of others.entries()) tester.find(other, at % 2 === 1 ? 'failed' : 'passed')
  for (const { key } of others) tester.verdicts.noteReached(key, true, true)
  const { report } = readProbeReport(tester.reports.write(0)?.bytes ?? Buffer.of())
  expect(report.rows).toHaveLength(PROBE_REPORT_ROWS_MAX)
  expect(report.rows.filter(({ findings }) => findings.https === 'failed')).toHaveLength(Math.floor(others.length / 2))
  tester.clock.pass(MINUTE)
  expect(tester.reports.write(tester.clock.monotonicMs())).toBeUndefined()
})
