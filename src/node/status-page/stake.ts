import { count, dateTime, duration, shortKey } from '../../base/figures.ts'
import type { RewardsFacts, Section, StakeDates, StakeFacts } from '../status.ts'
import { facts, mark, type PageContext, type Standing } from './card.ts'
import { type Html, html, join, NOTHING } from './html.ts'

const STANDINGS: Readonly<Record<StakeFacts['state'], Standing>> = {
  active: 'good',
  'pending-finality': 'warning',
  leaving: 'warning',
  'not-registered': 'bad',
  gone: 'bad',
  'key-mismatch': 'bad',
  'chain-unreachable': 'warning',
}

const STATE_WORDS: Readonly<Record<StakeFacts['state'], string>> = {
  active: 'Active',
  'pending-finality': 'Not final yet',
  leaving: 'Leaving',
  'not-registered': 'Not registered',
  gone: 'Gone',
  'key-mismatch': 'Keys do not match',
  'chain-unreachable': 'Cannot be read',
}

export function stake(held: StakeFacts, rewards: Section<RewardsFacts>, context: PageContext): Html {
  const { state, sentence, nextCommand, id, operator, addedAtMs, isListed, dates } = held
  return html`<p class="state">${mark(STANDINGS[state])}<b>${STATE_WORDS[state]}</b></p><p>${sentence}</p>
${nextCommand === null ? '' : html`<p class="next">Next: <code>${nextCommand}</code></p>`}
${dates === null ? '' : countdown(dates, context)}
${facts([
  ['Id in the contract', id ?? undefined],
  ['Operator', operator === null ? undefined : html`<code class="key">${shortKey(operator)}</code>`],
  ['Registered', addedAtMs === null ? undefined : dateTime(addedAtMs)],
  ['In the current list', isListed ? 'yes' : 'no'],
  ['Rewards', rewardsText(rewards)],
])}`
}

/** What may happen from when on, for a stake that is on its way out. */
function countdown({ requestedMs, unlockMs, liquidateMs, exitUnsignedMs }: StakeDates, { nowMs }: PageContext): Html {
  const steps: readonly (readonly [atMs: number, told: string])[] = [
    [requestedMs, 'Exit asked for'],
    [unlockMs, 'Unlocked: the network signs the exit'],
    [liquidateMs, 'Anybody may have it liquidated, at a cost'],
    [exitUnsignedMs, 'The exit needs no signatures'],
  ]
  const ordered = steps.toSorted(([a], [b]) => a - b)
  const next = ordered.find(([atMs]) => atMs > nowMs)
  return html`${next === undefined ? NOTHING : html`<p class="countdown"><b>${duration(next[0] - nowMs)}</b> <span class="soft">until: ${next[1]}</span></p>`}
<ol class="steps">${join(
    ordered.map(([atMs, told]) => {
      const wait = atMs > nowMs ? `in ${duration(atMs - nowMs)}` : `${duration(nowMs - atMs)} ago`
      return html`<li class="${atMs > nowMs ? 'ahead' : 'past'}"><span>${told}</span> <span class="soft"><time datetime="${isoOf(atMs)}">${dateTime(atMs)}</time>, ${wait}</span></li>`
    }),
  )}</ol>`
}

function isoOf(atMs: number): string {
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}

function rewardsText(rewards: Section<RewardsFacts>): string | undefined {
  if (rewards.state !== 'known') return undefined
  const { period, lastError } = rewards.facts
  const known = period === null ? 'not computed yet' : `computed up to period ${count(period)}`
  return lastError === null ? known : `${known}; the last look failed (${lastError})`
}
