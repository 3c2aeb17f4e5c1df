import { HOUR, type TimestampMs } from '../base/clock.ts'
import type { HealthPart, HealthReason } from './health.ts'
import type { Section, SectionFacts, StatusProblem, StatusSections } from './status.ts'
import {
  PROBLEM_KINDS,
  type ProblemCode,
  SECTION_NAMES,
  type SectionName,
  type Severity,
} from './status-problem-kinds.ts'

/** The facts that there are. */
type Known = { readonly [Name in SectionName]?: SectionFacts[Name] }

/** Everything that is wrong, the worst first: what the node itself gives as reasons, and what its facts show besides. */
export function problemsOf(sections: StatusSections, nowMs: TimestampMs): readonly StatusProblem[] {
  const known = knownOf(sections)
  const { notReady = [], degraded = [] } = known.serving ?? {}
  const problems = [
    ...notReady.map(({ part, reason }) => problem(NOT_READY_CODES[part](known), reason, nextOf(part, known))),
    ...degraded.flatMap((told) => degradedProblems(told, known)),
    ...FACT_RULES.flatMap((rule) => guarded(() => rule(known, nowMs))),
    ...SECTION_NAMES.flatMap((name) => sectionProblem(name, sections[name])),
  ]
  return problems.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
}

/** With the command of its kind, unless a better one is known. */
export function problem(code: ProblemCode, reason: string, next?: string | undefined): StatusProblem {
  const kind = PROBLEM_KINDS[code]
  return { code, section: kind.section, severity: kind.severity, reason, next: next ?? kind.next }
}

const ORDER: readonly Severity[] = ['critical', 'warning', 'notice']

function knownOf(sections: StatusSections): Known {
  const facts = <Facts>(section: Section<Facts>) => (section.state === 'known' ? section.facts : undefined)
  const entries = SECTION_NAMES.map((name) => [name, facts<unknown>(sections[name])] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/** A section that is absent is none: a node that keeps no ledger is as it should be. */
function sectionProblem(section: SectionName, { state, ...rest }: Section<unknown>): readonly StatusProblem[] {
  if (state !== 'silent' && state !== 'failed') return []
  const reason = `${section}: ${'reason' in rest ? rest.reason : state}`
  return [{ ...problem(state === 'silent' ? 'SECTION_SILENT' : 'SECTION_FAILED', reason), section }]
}

/** A rule that facts confuse says nothing: what else is wrong must still be told. */
function guarded(rule: () => readonly StatusProblem[]): readonly StatusProblem[] {
  try {
    return rule()
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown'
    return [problem('SECTION_FAILED', `What is wrong could not be told in full: a fault of the program (${name})`)]
  }
}

type CodeOf = (known: Known) => ProblemCode

/** What a part that keeps the node from serving has come to. */
const NOT_READY_CODES: Readonly<Record<HealthPart, CodeOf>> = {
  'life-cycle': ({ node }) => (node?.phase === 'stopping' ? 'NODE_STOPPING' : 'NODE_STARTING'),
  membership: () => 'LIST_UNREAD',
  stake: ({ stake }) => STAKE_CODES[stake?.state ?? 'chain-unreachable'],
  swarm: () => 'SWARM_NONE',
  network: () => 'PEERS_UNKNOWN',
  storage: () => 'STORAGE_NOT_WRITABLE',
  contents: () => 'CONTENTS_FETCHING',
  clock: () => 'CLOCK_WRONG',
  // These never keep a node from serving; should they one day, these are their worst.
  chain: () => 'CHAIN_UNREACHABLE',
  providers: () => 'PROVIDERS_TOO_FEW',
  contract: () => 'CONTRACT_CHANGED',
  rewards: () => 'REWARDS_TROUBLE',
  'peer-tests': () => 'NODE_IN_DOUBT',
  configuration: () => 'CONFIG_REFUSED',
  restart: () => 'CONFIG_PENDING',
}

const STAKE_CODES: Readonly<Record<SectionFacts['stake']['state'], ProblemCode>> = {
  'not-registered': 'STAKE_NOT_REGISTERED',
  'key-mismatch': 'STAKE_KEY_MISMATCH',
  'pending-finality': 'STAKE_PENDING',
  active: 'STAKE_NOT_COUNTED',
  leaving: 'STAKE_NOT_COUNTED',
  gone: 'STAKE_GONE',
  'chain-unreachable': 'STAKE_UNREADABLE',
}

/** The same for a part that leaves it serving. */
const DEGRADED_CODES: Readonly<Record<HealthPart, CodeOf>> = {
  ...NOT_READY_CODES,
  storage: () => 'STORAGE_ROOM_SHORT',
  contents: ({ swarm }) => (swarm?.isLenient === true ? 'CONTENTS_INCOMPLETE' : 'CONTENTS_JOINING'),
  clock: () => 'CLOCK_OFF',
  chain: ({ chain }) => (chain?.lastError === null && chain.isFrozen ? 'CHAIN_FROZEN' : 'CHAIN_UNREACHABLE'),
  providers: ({ chain }) => PROVIDER_CODES[chain?.standing ?? 'too-few'],
}

const PROVIDER_CODES: Readonly<Record<SectionFacts['chain']['standing'], ProblemCode>> = {
  'trusting-one': 'PROVIDER_ALONE',
  'without-spare': 'PROVIDER_SPARE_FAULTY',
  'on-backup': 'PROVIDERS_ON_BACKUP',
  full: 'PROVIDERS_TOO_FEW',
  'too-few': 'PROVIDERS_TOO_FEW',
}

function degradedProblems({ part, reason }: HealthReason, known: Known): readonly StatusProblem[] {
  // Its facts tell of each test by itself.
  if (part === 'peer-tests' && known.nodeTests !== undefined) return []
  return [problem(DEGRADED_CODES[part](known), reason, nextOf(part, known))]
}

/** The stake's own account says best what to do about it. */
function nextOf(part: HealthPart, { stake }: Known): string | undefined {
  return part === 'stake' ? (stake?.nextCommand ?? undefined) : undefined
}

const STARTS_OFTEN = 4
const TEST_CODES = { https: 'HTTPS_UNREACHABLE', libp2p: 'LIBP2P_UNREACHABLE', storage: 'PROOFS_FAILING' } as const

/** What keeps nobody from serving, and no part tells as a reason. */
const FACT_RULES: readonly ((known: Known, nowMs: TimestampMs) => readonly StatusProblem[])[] = [
  ({ nodeTests }) => [
    ...(nodeTests?.isInDoubt === true
      ? [problem('NODE_IN_DOUBT', 'This node cannot reach more than half of the service nodes that it tests')]
      : []),
    ...(nodeTests?.troubles ?? []).map(({ test, sentence }) => problem(TEST_CODES[test], sentence)),
  ],
  ({ node }) =>
    node?.isOverloaded === true
      ? [
          problem(
            'NODE_OVERLOADED',
            `The event loop runs ${Math.round(node.eventLoopDelayMs)} ms late: new requests are refused`,
          ),
        ]
      : [],
  ({ node }, nowMs) => {
    const last = node?.log.newest.findLast(({ atMs }) => nowMs - atMs <= HOUR)
    return last === undefined
      ? []
      : [problem('LOG_ERRORS', `Errors were logged within the last hour, the newest: ${last.sentence}`)]
  },
  ({ node }) =>
    node !== undefined && node.runs.startsLastHour >= STARTS_OFTEN
      ? [problem('NODE_RESTARTS', `The node was started ${node.runs.startsLastHour} times within the last hour`)]
      : [],
  ({ node }) => {
    const before = node?.runs.before ?? null
    if (before === null || before.end === 'stopped') return []
    const how =
      before.end === null
        ? 'did not end orderly: it was killed, crashed, or interrupted while it started'
        : `ended because of ${before.end}`
    return [problem('RUN_BROKE_OFF', `The run before this one, from ${dateText(before.startedAtMs)}, ${how}`)]
  },
  ({ stake }, nowMs) => {
    if (stake === undefined || stake.state !== 'leaving' || stake.dates === null) return []
    const code = nowMs >= stake.dates.liquidateMs ? 'STAKE_LIQUIDATABLE' : 'STAKE_LEAVING'
    return [problem(code, stake.sentence, stake.nextCommand ?? undefined)]
  },
  ({ node, network }) => {
    const own = network?.ownRecord ?? null
    if (node === undefined || own === null || (own.ip === node.publicIp && own.httpsPort === node.httpsPort)) return []
    const reason = `The newest record of this node's key names ${own.ip} and port ${own.httpsPort}, and this node is at ${node.publicIp} and ${node.httpsPort}: does another node run with the same key?`
    return [problem('OWN_RECORD_ELSEWHERE', reason)]
  },
  ({ node, network }) => {
    if (node === undefined || network === undefined) return []
    const total = network.versions.reduce((sum, { members }) => sum + members, 0)
    const newer = network.versions.filter(({ starling }) => isNewer(starling, node.starling))
    const count = newer.reduce((sum, { members }) => sum + members, 0)
    if (count * 2 <= total) return []
    return [problem('VERSION_BEHIND', `${count} of ${total} members run a newer version than ${node.starling}`)]
  },
  ({ swarm }) => {
    const { comparison = null, members = 0 } = swarm ?? {}
    const others = members - 1
    if (comparison === null || others < 2 || comparison.silent * 2 <= others) return []
    return [problem('SWARM_SILENT', `${comparison.silent} of ${others} other members of the swarm do not answer`)]
  },
]

/** By its three numbers; what follows them does not count. */
export function isNewer(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => text.split(/[.-]/).slice(0, 3).map(Number)) as [number[], number[]]
  const at = left.findIndex((part, index) => part !== right[index])
  return at !== -1 && (left[at] ?? 0) > (right[at] ?? 0)
}

function dateText(timestampMs: TimestampMs): string {
  return `${new Date(timestampMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
