import { SECOND, type TimestampMs } from '../../base/clock.ts'
import { bytes, count, counted, dateTime, duration, percent, rate, shortKey } from '../../base/figures.ts'
import type {
  NodeFacts,
  NodeStatus,
  RunFacts,
  Section,
  SectionFacts,
  StakeFacts,
  StatusProblem,
  SwarmFacts,
  TrafficFacts,
} from '../../node/status.ts'
import { SECTION_NAMES, SECTION_WORDS, type SectionName } from '../../node/status-problem-kinds.ts'
import type { StoppedNode } from './stopped-node.ts'

/** The status for people: one line for each part, then what is wrong and what to type. */
export function statusLines(
  { takenAtMs, health, sections, problems }: NodeStatus,
  transactions: readonly string[],
): readonly string[] {
  const node = sections.node.state === 'known' ? sections.node.facts : undefined
  const name = node === undefined ? 'Service node' : `Service node ${shortKey(node.key)}, starling ${node.starling}`
  const lines = SHOWN.map((section) => row(SECTION_WORDS[section], sectionText(section, sections[section], takenAtMs)))
  return [`${name}: ${HEALTH_WORDS[health]}`, '', ...lines, ...transactions, ...problemLines(problems)]
}

/** The same of a node that does not run, or does not answer. */
export function stoppedLines(
  { configFile, dataFolder, keysFolder, key, lastRun, startsLastHour, lastBackupAtMs }: StoppedNode,
  health: 'not-running' | 'silent',
  problems: readonly StatusProblem[],
  nowMs: TimestampMs,
): readonly string[] {
  const name = key === null ? 'Service node' : `Service node ${shortKey(key)}`
  const ago = (atMs: TimestampMs) => `${dateTime(atMs)}, ${duration(nowMs - atMs)} ago`
  return [
    `${name}: ${health === 'silent' ? 'runs and does not answer' : 'not running'}`,
    '',
    row('Config', configFile ?? 'none'),
    row('Data', dataFolder),
    row('Keys', keysFolder),
    row('Last run', lastRun === null ? 'none' : `began ${ago(lastRun.startedAtMs)}; ${endText(lastRun, health)}`),
    ...(startsLastHour > 1 ? [row('Starts', `${startsLastHour} within the last hour`)] : []),
    row('Backup', lastBackupAtMs === null ? 'none is known of' : ago(lastBackupAtMs)),
    ...problemLines(problems),
  ]
}

function endText({ endedAtMs, end }: RunFacts, health: 'not-running' | 'silent'): string {
  if (endedAtMs === null) return health === 'silent' ? 'it goes on' : 'it did not end orderly'
  return end === 'stopped' ? `stopped ${dateTime(endedAtMs)}` : `ended ${dateTime(endedAtMs)} because of ${end}`
}

const LABEL_WIDTH = 11

function row(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_WIDTH)}${text}`
}

const HEALTH_WORDS: Readonly<Record<NodeStatus['health'], string>> = {
  serving: 'serving',
  degraded: 'serving, but something is wrong',
  'not-serving': 'NOT serving',
  unknown: 'it cannot tell whether it serves',
}

const MARKS = { critical: 'FAIL', warning: 'WARN', notice: 'note' } as const

function problemLines(problems: readonly StatusProblem[]): readonly string[] {
  if (problems.length === 0) return ['', 'Nothing is wrong.']
  return [
    '',
    ...problems.flatMap(({ code, severity, reason, next }) => [
      `${MARKS[severity]}  ${reason} (${code})`,
      `      Next: ${next}`,
    ]),
  ]
}

type ShownSection = Exclude<SectionName, 'serving'>
const SHOWN = SECTION_NAMES.filter((name): name is ShownSection => name !== 'serving')

function sectionText<Name extends ShownSection>(
  name: Name,
  section: Section<SectionFacts[Name]>,
  nowMs: TimestampMs,
): string {
  return section.state === 'known' ? TEXTS[name](section.facts, nowMs) : `${section.state}: ${section.reason}`
}

const TEXTS: { readonly [Name in ShownSection]: (facts: SectionFacts[Name], nowMs: TimestampMs) => string } = {
  node: nodeText,
  stake: stakeText,
  swarm: swarmText,
  network: ({ connections, connected, records, missing }) =>
    `${counted(connections, 'connection')} to ${counted(connected, 'member')}; ${count(records)} of ${counted(records + missing, 'member')} known`,
  chain: ({ epoch, members, finalizedBlock, lagMs, providers }) => {
    const sound = providers.filter(({ isHealthy }) => isHealthy).length
    const list = epoch === null ? 'no list yet' : `epoch ${epoch} with ${counted(members ?? 0, 'member')}`
    const block =
      finalizedBlock === null ? 'no final block' : `final block ${count(finalizedBlock)}, ${duration(lagMs ?? 0)} old`
    return `${list}; ${block}; ${sound} of ${counted(providers.length, 'provider')} sound`
  },
  rewards: ({ period, block }) =>
    period === null
      ? 'no snapshot yet'
      : `period ${period}, read up to block ${block === null ? 'none' : count(block)}`,
  storage: ({ messages, dataBytes, freeDiskBytes, backup }, nowMs) => {
    const free = freeDiskBytes === null ? '' : `; ${bytes(freeDiskBytes)} of the disk are free`
    const saved = backup.lastAtMs === null ? 'no backup' : `backup ${duration(nowMs - backup.lastAtMs)} ago`
    return `${counted(messages, 'message')}, ${bytes(dataBytes)}${free}; ${saved}`
  },
  traffic: trafficText,
  nodeTests: ({ standings, failing, clock }) => {
    const { testers } = standings.https
    const reached =
      testers === 0
        ? 'no tester has told yet'
        : `${testers - standings.https.failing} of ${counted(testers, 'tester')} reach this node`
    const others = Math.max(failing.https, failing.libp2p)
    const time =
      clock.aheadMs === null
        ? 'clock not compared yet'
        : `clock off by ${(Math.abs(clock.aheadMs) / SECOND).toFixed(1)} s`
    return `${reached}; ${counted(others, 'member')} not reached from here; ${time}`
  },
}

function nodeText({ uptimeMs, publicIp, httpsPort, memory, eventLoopDelayMs, nodeVersion }: NodeFacts): string {
  const place = `${publicIp.includes(':') ? `[${publicIp}]` : publicIp}:${httpsPort}`
  return `up ${duration(uptimeMs)}; ${place}; ${bytes(memory.rssBytes)} of memory; event loop ${Math.round(eventLoopDelayMs)} ms late; Node ${nodeVersion}`
}

function stakeText({ state, id, isListed, dates }: StakeFacts, nowMs: TimestampMs): string {
  const registered = id === null ? state : `${state}, id ${id}`
  const listed = isListed ? 'in the list' : 'not in the list'
  const [unlock] = dates === null ? [] : [dates.unlockMs]
  if (unlock === undefined) return `${registered}; ${listed}`
  const exit = unlock <= nowMs ? 'its exit is signed now' : `its exit is signed in ${duration(unlock - nowMs)}`
  return `${registered}; ${listed}; ${exit}`
}

function swarmText({ id, members, comparison, fetchedShare, hintsQueued }: SwarmFacts, nowMs: TimestampMs): string {
  if (id === null) return 'in none'
  const equal = comparison === null ? '' : `; ${comparison.equal} of ${counted(members - 1, 'other')} hold the same`
  const lastMs = comparison?.lastEqualMs ?? null
  const when = lastMs === null ? '' : `, all who answered ${duration(nowMs - lastMs)} ago`
  const fetched = fetchedShare === null || fetchedShare === 1 ? '' : `; ${percent(fetchedShare)} fetched`
  return `${id} of ${counted(members, 'member')}${equal}${when}${fetched}; ${counted(hintsQueued, 'request')} waiting`
}

function trafficText({ atMs, requests, onion, bytesIn, bytesOut, connections }: TrafficFacts): string {
  const perS = (value: number) => rate((value * SECOND) / Math.max(SECOND, atMs))
  const total = Object.values(requests).reduce((sum, value) => sum + value, 0)
  const onions = onion.relayed + onion.final + onion.outside
  return `${counted(total, 'request')} (${perS(total)}/s since the start), ${counted(onions, 'onion request')}; ${bytes(bytesIn)} in, ${bytes(bytesOut)} out; ${counted(connections, 'connection')}`
}
