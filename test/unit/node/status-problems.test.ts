import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { HOUR } from '../../../src/base/clock.ts'
import type { HealthPart } from '../../../src/node/health.ts'
import type { SectionFacts, StakeFacts } from '../../../src/node/status.ts'
import { PROBLEM_KINDS, type ProblemCode } from '../../../src/node/status-problem-kinds.ts'
import { isNewer, problemsOf } from '../../../src/node/status-problems.ts'
import { aNodeStatus, sectionsOf, wellFacts } from '../../support/node-status.ts'

const NOW_MS = aNodeStatus().takenAtMs

type Change = (well: SectionFacts) => Partial<SectionFacts>

const notReady =
  (part: HealthPart, change: Change = () => ({})): Change =>
  (well) => ({
    serving: { isServing: false, notReady: [{ part, reason: `Why ${part}` }], degraded: [] },
    ...change(well),
  })
const degraded =
  (part: HealthPart, change: Change = () => ({})): Change =>
  (well) => ({
    serving: { isServing: true, notReady: [], degraded: [{ part, reason: `Why ${part}` }] },
    ...change(well),
  })
const staked = (facts: Partial<StakeFacts>) => (well: SectionFacts) => ({ stake: { ...well.stake, ...facts } })
const onChain = (facts: Partial<SectionFacts['chain']>) => (well: SectionFacts) => ({
  chain: { ...well.chain, ...facts },
})
const node = (facts: Partial<SectionFacts['node']>) => (well: SectionFacts) => ({ node: { ...well.node, ...facts } })
const tested = (facts: Partial<SectionFacts['nodeTests']>) => (well: SectionFacts) => ({
  nodeTests: { ...well.nodeTests, ...facts },
})
const leaving = (liquidateMs: number) =>
  staked({
    ...{ state: 'leaving', sentence: 'It asked to leave.', nextCommand: 'starling stake unstake' },
    dates: { requestedMs: NOW_MS - HOUR, unlockMs: NOW_MS - HOUR, liquidateMs, exitUnsignedMs: NOW_MS + 9 * HOUR },
  })
const trouble = (test: 'https' | 'libp2p' | 'storage') =>
  tested({ troubles: [{ test, sentence: `5 of 5 testers: ${test}` }] })

/** Those that the command says when there is no node to say them; test/unit/cli/status.test.ts has them. */
type CommandsOwn =
  | 'NODE_NOT_RUNNING'
  | 'NODE_SILENT'
  | 'NODE_ANSWER_UNKNOWN'
  | 'CONFIG_INVALID'
  | 'KEYS_UNUSABLE'
  | 'DATA_FOLDER_UNUSABLE'

/** What brings about each problem. */
const CAUSES: Readonly<Record<Exclude<ProblemCode, CommandsOwn | 'SECTION_SILENT' | 'SECTION_FAILED'>, Change>> = {
  NODE_STARTING: notReady('life-cycle', node({ phase: 'starting' })),
  NODE_STOPPING: notReady('life-cycle', node({ phase: 'stopping' })),
  NODE_OVERLOADED: node({ isOverloaded: true, eventLoopDelayMs: 900 }),
  NODE_RESTARTS: node({ runs: { startsLastHour: 5, before: null } }),
  RUN_BROKE_OFF: node({
    runs: {
      startsLastHour: 1,
      before: { startedAtMs: NOW_MS - HOUR, starling: '1', schema: 3, endedAtMs: null, end: null },
    },
  }),
  LOG_ERRORS: node({
    log: { warnings: 0, errors: 1, newest: [{ atMs: NOW_MS - 1, part: 'rpc', sentence: 'A fault' }] },
  }),
  VERSION_BEHIND: (well) => ({ network: { ...well.network, versions: [{ starling: '1.10.0', members: 6 }] } }),
  LIST_UNREAD: notReady('membership'),
  STAKE_NOT_REGISTERED: notReady('stake', staked({ state: 'not-registered' })),
  STAKE_PENDING: notReady('stake', staked({ state: 'pending-finality' })),
  STAKE_NOT_COUNTED: notReady('stake', staked({ state: 'active', isListed: false })),
  STAKE_GONE: notReady('stake', staked({ state: 'gone' })),
  STAKE_KEY_MISMATCH: notReady('stake', staked({ state: 'key-mismatch' })),
  STAKE_UNREADABLE: notReady('stake', staked({ state: 'chain-unreachable' })),
  STAKE_LEAVING: leaving(NOW_MS + HOUR),
  STAKE_LIQUIDATABLE: leaving(NOW_MS),
  SWARM_NONE: notReady('swarm'),
  CONTENTS_FETCHING: notReady('contents'),
  CONTENTS_JOINING: degraded('contents'),
  CONTENTS_INCOMPLETE: degraded('contents', (well) => ({ swarm: { ...well.swarm, isLenient: true } })),
  SWARM_SILENT: ({ swarm }) => ({
    swarm: { ...swarm, comparison: { equal: 2, differing: 0, silent: 3, apart: 0, lastEqualMs: null } },
  }),
  PEERS_UNKNOWN: notReady('network'),
  OWN_RECORD_ELSEWHERE: ({ network }) => ({
    network: { ...network, ownRecord: { ip: '198.51.100.9', httpsPort: 22021, peerPort: 22020, signedAtMs: NOW_MS } },
  }),
  CHAIN_UNREACHABLE: degraded('chain', onChain({ lastError: 'PROVIDERS_UNAVAILABLE' })),
  CHAIN_FROZEN: degraded('chain', onChain({ isFrozen: true })),
  PROVIDER_ALONE: degraded('providers', onChain({ standing: 'trusting-one' })),
  PROVIDER_SPARE_FAULTY: degraded('providers', onChain({ standing: 'without-spare' })),
  PROVIDERS_ON_BACKUP: degraded('providers', onChain({ standing: 'on-backup' })),
  PROVIDERS_TOO_FEW: degraded('providers', onChain({ standing: 'too-few' })),
  CONTRACT_CHANGED: degraded('contract'),
  REWARDS_TROUBLE: degraded('rewards'),
  STORAGE_NOT_WRITABLE: notReady('storage'),
  STORAGE_ROOM_SHORT: degraded('storage'),
  HTTPS_UNREACHABLE: degraded('peer-tests', trouble('https')),
  LIBP2P_UNREACHABLE: degraded('peer-tests', trouble('libp2p')),
  PROOFS_FAILING: degraded('peer-tests', trouble('storage')),
  NODE_IN_DOUBT: degraded('peer-tests', tested({ isInDoubt: true })),
  CLOCK_WRONG: notReady('clock'),
  CLOCK_OFF: degraded('clock'),
  CONFIG_REFUSED: degraded('configuration'),
  CONFIG_PENDING: degraded('restart'),
}

test.each(Object.entries(CAUSES))('%s is told by itself, with a reason and what to type', (code, change) => {
  const well = wellFacts()
  const problems = problemsOf(sectionsOf({ ...well, ...change(well) }), NOW_MS)
  expect(problems.map((problem) => problem.code)).toEqual([code])
  const [{ reason, next, severity } = expect.fail()] = problems
  expect(reason.length).toBeGreaterThan(5)
  expect(next).toMatch(/^[a-z]+ /)
  expect(severity).toBe(PROBLEM_KINDS[code as ProblemCode].severity)
})

test('nothing is wrong with a node that is well, and the worst comes first', () => {
  const well = wellFacts()
  expect(problemsOf(sectionsOf(well), NOW_MS)).toEqual([])
  const facts = {
    ...well,
    ...CAUSES.RUN_BROKE_OFF(well),
    ...CAUSES.STORAGE_NOT_WRITABLE(well),
    ...trouble('storage')(well),
  }
  const severities = problemsOf(sectionsOf(facts), NOW_MS).map(({ severity }) => severity)
  expect(severities).toEqual(['critical', 'warning', 'notice'])
})

test('what the stake itself says to do next is what is told', () => {
  const well = wellFacts()
  const change = notReady('stake', staked({ state: 'gone', nextCommand: 'starling stake unstake --yes' }))
  expect(problemsOf(sectionsOf({ ...well, ...change(well) }), NOW_MS)[0]?.next).toBe('starling stake unstake --yes')
})

test('while the facts of a part are unknown, its reason is still told', () => {
  const well = wellFacts()
  for (const cause of [CAUSES.STAKE_GONE, CAUSES.HTTPS_UNREACHABLE, CAUSES.PROVIDER_ALONE, CAUSES.CONTENTS_JOINING]) {
    const { serving } = sectionsOf({ ...well, ...cause(well) })
    const silent = { state: 'silent', reason: 'It does not answer in time' } as const
    const others = { node: silent, stake: silent, swarm: silent, network: silent, chain: silent, rewards: silent }
    const problems = problemsOf({ serving, ...others, storage: silent, traffic: silent, nodeTests: silent }, NOW_MS)
    expect(problems.filter(({ code }) => code !== 'SECTION_SILENT').map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^Why /),
    ])
  }
})

test('versions are compared by their numbers', () => {
  expect(isNewer('0.10.0', '0.9.9')).toBe(true)
  expect(isNewer('0.9.9', '0.10.0')).toBe(false)
  expect(isNewer('1.0.0', '1.0.0')).toBe(false)
})

test('docs/status.md has every problem, with what it means and what to type', () => {
  const page = readFileSync('docs/status.md', 'utf8')
  for (const [code, { severity, meaning, next }] of Object.entries(PROBLEM_KINDS)) {
    expect.soft(page).toContain(`| \`${code}\` | ${severity} | ${meaning} | \`${next}\` |`)
  }
  const told = [...page.matchAll(/^\| `([A-Z_0-9]+)` \| (?:critical|warning|notice)/gm)].map(([, code]) => code)
  expect(told.toSorted()).toEqual(Object.keys(PROBLEM_KINDS).toSorted())
})
