import { bytes, count, counted, duration, rate } from '../../base/figures.ts'
import type { NodeStatus, Section, StatusProblem } from '../status.ts'
import { SECTION_WORDS, type Severity } from '../status-problem-kinds.ts'
import { guarded, mark, type PageContext, type Standing } from './card.ts'
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
export function keyFigures({ sections }: NodeStatus, context: PageContext): Html {
  const { node, traffic, storage, network, chain } = sections
  const newest = context.history.at(-1)
  const rateOr = (perS: number | undefined, total: number) => (perS === undefined ? count(total) : `${rate(perS)}/s`)
  const tiles: readonly (readonly [name: string, told: () => Figure | undefined])[] = [
    ['Up for', () => figure(node, ({ uptimeMs, starling }) => [duration(uptimeMs), `version ${starling}`])],
    [
      'Client requests',
      () =>
        figure(traffic, ({ requests }) => {
          const total = Object.values(requests).reduce((all, one) => all + one, 0)
          return [rateOr(newest?.requestsPerS, total), `${count(total)} since the start`]
        }),
    ],
    [
      'Onion requests',
      () =>
        figure(traffic, ({ onion }) => {
          const total = onion.relayed + onion.final + onion.outside
          const perS = newest === undefined ? undefined : newest.relayedPerS + newest.deliveredPerS
          return [rateOr(perS, total), `${count(total)} since the start`]
        }),
    ],
    ['Messages held', () => figure(storage, ({ messages, dataBytes }) => [count(messages), bytes(dataBytes)])],
    [
      'Connected',
      () =>
        figure(network, ({ connected, records, missing }) => [
          count(connected),
          `of ${count(Math.max(0, records + missing - 1))} other nodes`,
        ]),
    ],
    [
      'Epoch',
      () =>
        figure(chain, ({ epoch, members }) => [
          epoch === null ? '–' : count(epoch),
          members === null ? '' : counted(members, 'member'),
        ]),
    ],
  ]
  return html`<ul class="tiles">${join(tiles.map(([name, told]) => tile(name, guarded(told, undefined, context))))}</ul>`
}

type Figure = readonly [value: string, note: string]

function figure<Facts>(section: Section<Facts>, told: (facts: Facts) => Figure): Figure | undefined {
  return section.state === 'known' ? told(section.facts) : undefined
}

function tile(name: string, [value, note]: Figure = ['–', 'not known']): Html {
  return html`<li><span class="soft">${name}</span><b>${value}</b><span class="soft note">${note}</span></li>`
}
