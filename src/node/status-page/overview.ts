import type { NodeStatus, Section, StatusProblem } from '../status.ts'
import type { SectionName, Severity } from '../status-problem-kinds.ts'
import { mark, type PageContext, type Standing } from './card.ts'
import { bytes, count, counted, duration, rate } from './figures.ts'
import { type Html, html, join, NOTHING } from './html.ts'

/** What comes before all else: whether the node serves, and what to do where it should be better. */
export function verdict(status: NodeStatus): Html {
  const [standing, sentence] = headline(status)
  return html`<p class="headline">${mark(standing)}${sentence}</p>`
}

export function headline({ health, problems }: NodeStatus): readonly [Standing, string] {
  const codes = problems.map(({ code }) => code)
  if (codes.includes('NODE_STARTING')) return ['warning', 'Starting']
  if (codes.includes('NODE_STOPPING')) return ['warning', 'Stopping']
  if (health === 'not-serving') return ['bad', 'Not serving']
  if (health === 'unknown') return ['bad', 'It cannot be told whether this node serves']
  const open = problems.filter(({ severity }) => severity !== 'notice').length
  if (health === 'serving' || open === 0) return ['good', 'Serving, and all is well']
  return ['warning', `Serving, with ${counted(open, 'thing')} to see to`]
}

const STANDINGS: Readonly<Record<Severity, Standing>> = { critical: 'bad', warning: 'warning', notice: 'idle' }

const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  critical: 'Critical',
  warning: 'Warning',
  notice: 'Notice',
}

export const SECTION_WORDS: Readonly<Record<SectionName, string>> = {
  serving: 'Serving',
  node: 'Node',
  stake: 'Stake',
  swarm: 'Swarm',
  network: 'Network',
  chain: 'Chain',
  rewards: 'Rewards',
  storage: 'Storage',
  traffic: 'Traffic',
  nodeTests: 'Node tests',
}

export function problemList({ problems }: NodeStatus): Html {
  if (problems.length === 0) return NOTHING
  return html`<ul class="problems">${join(problems.map(problemItem))}</ul>`
}

function problemItem({ code, section, severity, reason, next }: StatusProblem): Html {
  return html`<li class="${STANDINGS[severity]}"><p class="kind">${mark(STANDINGS[severity])}${SEVERITY_WORDS[severity]} · ${SECTION_WORDS[section]} <span class="soft code">${code}</span></p><p>${sentenceOf(reason)}</p><p class="next">Next: <code>${next}</code></p></li>`
}

function sentenceOf(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** The few figures that an operator looks at first. */
export function keyFigures({ sections }: NodeStatus, { history }: PageContext): Html {
  const { node, traffic, storage, network, chain } = sections
  const newest = history.at(-1)
  const tiles = [
    tile('Up for', node, ({ uptimeMs, starling }) => [duration(uptimeMs), `version ${starling}`]),
    tile('Client requests', traffic, ({ requests }) => {
      const total = Object.values(requests).reduce((all, one) => all + one, 0)
      return [newest === undefined ? count(total) : `${rate(newest.requestsPerS)}/s`, `${count(total)} since the start`]
    }),
    tile('Onion requests', traffic, ({ onion }) => {
      const total = onion.relayed + onion.final + onion.outside
      const perS = newest === undefined ? undefined : newest.relayedPerS + newest.deliveredPerS
      return [perS === undefined ? count(total) : `${rate(perS)}/s`, `${count(total)} since the start`]
    }),
    tile('Messages held', storage, ({ messages, dataBytes }) => [count(messages), bytes(dataBytes)]),
    tile('Connected', network, ({ connected, records, missing }) => [
      count(connected),
      `of ${count(Math.max(0, records + missing - 1))} other nodes`,
    ]),
    tile('Epoch', chain, ({ epoch, members }) => [
      epoch === null ? '–' : count(epoch),
      members === null ? '' : counted(members, 'member'),
    ]),
  ]
  return html`<ul class="tiles">${join(tiles)}</ul>`
}

function tile<Facts>(
  name: string,
  section: Section<Facts>,
  told: (facts: Facts) => readonly [value: string, note: string],
): Html {
  const [value, note] = section.state === 'known' ? told(section.facts) : ['–', 'not known']
  return html`<li><span class="soft">${name}</span><b>${value}</b><span class="soft note">${note}</span></li>`
}
