import { HOUR, SECOND } from '../../base/clock.ts'
import { bytes, count, counted, duration, percent, rate, shortKey, timeOfDay } from '../../base/figures.ts'
import type { NodeStatus, Section } from '../../node/status.ts'
import { headline } from '../../node/status-page/overview.ts'
import { SECTION_WORDS } from '../../node/status-problem-kinds.ts'
import type { TrafficSample } from '../../node/traffic-history.ts'
import { type Hue, harmless, type Paint } from './paint.ts'
import { bar, sparkline } from './sparkline.ts'

export interface FrameFacts {
  readonly status: NodeStatus
  readonly samples: readonly TrafficSample[]
  readonly sampleIntervalMs: number
  /** Since when the node has not answered; undefined while it does. */
  readonly silentSinceMs?: number | undefined
}

export interface FrameSize {
  readonly columns: number
  /** As many lines at most; all when left out. */
  readonly rows?: number | undefined
}

/** Narrower terminals get lines that are cut. */
const LABEL_WIDTH = 12
const FIGURE_WIDTH = 11
const BAR_WIDTH = 20
const PROBLEMS_MAX = 3
const MARKS: Readonly<Record<string, readonly [string, Hue]>> = {
  good: ['●', 'green'],
  warning: ['▲', 'yellow'],
  bad: ['■', 'red'],
  idle: ['○', 'dim'],
}
const SEVERITY_MARKS = { critical: 'bad', warning: 'warning', notice: 'idle' } as const

/** What `starling top` shows, line by line: as wide and as high as the terminal at most, the most important first. */
export function frame(facts: FrameFacts, { columns, rows }: FrameSize, paint: Paint): readonly string[] {
  const lines = [
    ...heading(facts, columns),
    ...problems(facts, columns),
    [],
    ...traffic(facts, columns),
    [],
    ...parts(facts.status),
  ]
  const shown = rows === undefined || lines.length <= rows ? lines : lines.slice(0, rows)
  return shown.map((line) => painted(line, columns, paint))
}

/** A stretch of a line: plain, or in a colour. */
type Stretch = string | readonly [hue: Hue, text: string]
type Line = readonly Stretch[]

function painted(line: Line, columns: number, paint: Paint): string {
  let left = columns
  const stretches = line.map((stretch) => {
    const [hue, text] = typeof stretch === 'string' ? [undefined, stretch] : stretch
    const characters = [...harmless(text)]
    const cut =
      characters.length > left
        ? [...characters.slice(0, Math.max(0, left - 1)), ...(left > 0 ? ['…'] : [])]
        : characters
    left -= cut.length
    return hue === undefined ? cut.join('') : paint(hue, cut.join(''))
  })
  return stretches.join('')
}

function heading({ status, silentSinceMs }: FrameFacts, columns: number): readonly Line[] {
  const node = factsOf(status.sections.node)
  const name = node === undefined ? 'service node' : shortKey(node.key)
  const about = node === undefined ? '' : `  ${node.starling}  up ${duration(node.uptimeMs)}`
  const time = timeOfDay(status.takenAtMs)
  const gap = ' '.repeat(Math.max(2, columns - 'Starling '.length - name.length - about.length - time.length))
  const title: Line = [['bold', 'Starling'], ` ${name}`, ['dim', about], gap, ['dim', time]]
  if (silentSinceMs !== undefined) {
    return [
      title,
      [
        ['red', '■ '],
        ['bold', `This node has not answered since ${timeOfDay(silentSinceMs)}`],
      ],
    ]
  }
  const [standing, sentence] = headline(status)
  return [title, [mark(standing), ['bold', sentence]]]
}

function mark(standing: string): Stretch {
  const [shape, hue] = MARKS[standing] ?? ['○', 'dim']
  return [hue, `${shape} `]
}

function problems({ status }: FrameFacts, columns: number): readonly Line[] {
  const shown = status.problems.slice(0, PROBLEMS_MAX)
  const lines = shown.map(({ section, severity, reason, next }): Line => {
    const command = `  ${next}`
    const what = ` ${reason}`
    const room = columns - 2 - SECTION_WORDS[section].length - command.length
    const cut = what.length > room ? `${what.slice(0, Math.max(0, room - 1))}…` : what
    return [mark(SEVERITY_MARKS[severity]), ['bold', SECTION_WORDS[section]], cut, ['cyan', command]]
  })
  const hidden = status.problems.length - shown.length
  return hidden === 0 ? lines : [...lines, [['dim', `  and ${hidden} more: starling status`]]]
}

type Reading = (sample: TrafficSample) => number

const PER_S = (value: number) => `${rate(value)}/s`
const BYTES_PER_S = (value: number) => `${bytes(value)}/s`

const ROWS: readonly (readonly [name: string, told: (value: number) => string, reading: Reading])[] = [
  ['Requests', PER_S, ({ requestsPerS }) => requestsPerS],
  ['refused', PER_S, ({ refusedPerS }) => refusedPerS],
  ['Onion relay', PER_S, ({ relayedPerS }) => relayedPerS],
  ['for here', PER_S, ({ deliveredPerS }) => deliveredPerS],
  ['Stored', PER_S, ({ storesPerS }) => storesPerS],
  ['Retrieved', PER_S, ({ retrievesPerS }) => retrievesPerS],
  ['Data in', BYTES_PER_S, ({ bytesInPerS }) => bytesInPerS],
  ['out', BYTES_PER_S, ({ bytesOutPerS }) => bytesOutPerS],
]

function traffic({ samples, sampleIntervalMs }: FrameFacts, columns: number): readonly Line[] {
  const width = Math.min(HOUR / SECOND, Math.max(8, columns - LABEL_WIDTH - 2 * FIGURE_WIDTH - 2))
  const shown = evenly(samples, sampleIntervalMs).slice(-width)
  const span = `last ${duration(width * sampleIntervalMs)}`
  const title = `${''.padEnd(LABEL_WIDTH)}${'now'.padStart(FIGURE_WIDTH)}${'at most'.padStart(FIGURE_WIDTH)}  ${span}`
  return [
    [['dim', title]],
    ...ROWS.map(([name, told, reading]): Line => {
      const values = shown.map((sample) => (sample === undefined ? undefined : reading(sample)))
      const figure = (value: number | undefined) => (value === undefined ? '-' : told(value)).padStart(FIGURE_WIDTH)
      const known = values.filter((value) => value !== undefined)
      const most = known.length === 0 ? undefined : Math.max(...known)
      return [
        (/^[A-Z]/.test(name) ? name : `  ${name}`).padEnd(LABEL_WIDTH),
        ['bold', figure(values.at(-1))],
        ['dim', figure(most)],
        '  ',
        ['cyan', sparkline(values, width)],
      ]
    }),
  ]
}

/** A pause of so many intervals is a gap. */
const GAP_STEPS = 2.5

/** With gaps where the node took no sample. */
function evenly(samples: readonly TrafficSample[], intervalMs: number): readonly (TrafficSample | undefined)[] {
  return samples.flatMap((sample, at) => {
    const before = samples[at - 1]
    const steps = before === undefined ? 1 : (sample.atMs - before.atMs) / intervalMs
    // A busy node is late now and then.
    const missing = steps < GAP_STEPS ? 0 : Math.round(steps) - 1
    // Clocks are set: what looks like days is not drawn.
    return [...Array.from({ length: Math.min(samples.length, Math.max(0, missing)) }, () => undefined), sample]
  })
}

type Teller<Facts> = (facts: Facts, status: NodeStatus) => string | Line

function parts(status: NodeStatus): readonly Line[] {
  const { sections } = status
  return [
    part('Swarm', sections.swarm, swarmText, status),
    part('Storage', sections.storage, storageText, status),
    part('Stake', sections.stake, stakeText, status),
    part('Chain', sections.chain, chainText, status),
    part('Tests', sections.nodeTests, testsText, status),
    part('Process', sections.node, processText, status),
  ]
}

/** What one part cannot tell keeps none of the others back. */
function part<Facts>(name: string, section: Section<Facts>, tell: Teller<Facts>, status: NodeStatus): Line {
  const label = name.padEnd(LABEL_WIDTH)
  if (section.state !== 'known') return [label, ['dim', section.reason]]
  const told = tell(section.facts, status)
  return typeof told === 'string' ? [label, told] : [label, ...told]
}

type Facts<Name extends keyof NodeStatus['sections']> =
  NodeStatus['sections'][Name] extends Section<infer Known> ? Known : never

function swarmText({ id, members, swarms, fetchedShare, comparison }: Facts<'swarm'>): string {
  if (id === null) return `in none of ${counted(swarms, 'swarm')}`
  const fetched = fetchedShare === null ? 'nothing fetched' : `${percent(fetchedShare)} fetched`
  const alike =
    comparison === null ? 'not compared' : `${count(comparison.equal)} alike, ${count(comparison.silent)} silent`
  return `${shortKey(id)}, one of ${count(swarms)}; ${counted(members, 'member')}: ${alike}; ${fetched}`
}

function storageText({ messages, dataBytes, roomBytes }: Facts<'storage'>): Line {
  const held = `${counted(messages, 'message')}, ${bytes(dataBytes)}`
  if (roomBytes === null) return [held]
  const all = dataBytes + roomBytes
  const share = all === 0 ? 1 : dataBytes / all
  const [full, rest] = bar(share, BAR_WIDTH)
  return [['cyan', full], ['dim', rest], ` ${percent(share)} of ${bytes(all)}; ${held}`]
}

function stakeText({ state, sentence, dates }: Facts<'stake'>, { takenAtMs }: NodeStatus): string {
  const ahead = dates === null ? undefined : STAKE_STEPS.find(([name]) => dates[name] > takenAtMs)
  if (dates === null || ahead === undefined) return sentence
  const [name, told] = ahead
  return `${state}; in ${duration(dates[name] - takenAtMs)} ${told}`
}

const STAKE_STEPS = [
  ['unlockMs', 'the network signs the exit'],
  ['liquidateMs', 'anybody may have it liquidated'],
  ['exitUnsignedMs', 'the exit needs no signatures'],
] as const

function chainText({ finalizedBlock, lagMs, epoch, providers, isFrozen }: Facts<'chain'>): string {
  const block = finalizedBlock === null ? 'no final block seen' : `block ${count(finalizedBlock)}`
  const age = lagMs === null ? '' : `, ${duration(lagMs)} old`
  const good = providers.filter(({ isHealthy }) => isHealthy).length
  const asked = `${good} of ${counted(providers.length, 'provider')} well`
  return `${block}${age}${isFrozen ? ', frozen' : ''}; ${asked}${epoch === null ? '' : `; epoch ${count(epoch)}`}`
}

function testsText({ standings, clock }: Facts<'nodeTests'>): string {
  const told = Object.entries(standings).map(([test, { testers, failing }]) =>
    testers === 0 ? `${test} -` : `${test} ${testers - failing} of ${testers}`,
  )
  const off =
    clock.aheadMs === null ? 'clock not compared' : `clock off by ${(Math.abs(clock.aheadMs) / SECOND).toFixed(1)} s`
  return `passed: ${told.join(', ')}; ${off}`
}

function processText({ memory, eventLoopDelayMs, cpuSeconds, uptimeMs }: Facts<'node'>, status: NodeStatus): string {
  const traffic = factsOf(status.sections.traffic)
  const connections = traffic === undefined ? '' : `; ${counted(traffic.connections, 'connection')}`
  const busy = uptimeMs === 0 ? 0 : (100 * SECOND * cpuSeconds) / uptimeMs
  return `${bytes(memory.rssBytes)}, ${busy.toFixed(1)} % of a core; event loop late by ${Math.ceil(eventLoopDelayMs)} ms${connections}`
}

function factsOf<Known>(section: Section<Known>): Known | undefined {
  return section.state === 'known' ? section.facts : undefined
}
