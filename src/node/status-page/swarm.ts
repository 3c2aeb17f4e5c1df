import type { SwarmFacts } from '../status.ts'
import { facts, mark, type PageContext, type Standing } from './card.ts'
import { count, counted, duration, percent, shortKey } from './figures.ts'
import { type Html, html, join } from './html.ts'
import { swarmMap } from './swarm-map.ts'
import type { MemberStanding, SwarmPicture } from './swarm-picture.ts'

const STANDINGS: Readonly<Record<MemberStanding, readonly [Standing, string]>> = {
  self: ['good', 'this node'],
  equal: ['good', 'holds the same'],
  differing: ['warning', 'differs, and is compared with'],
  apart: ['warning', 'not ready, or an epoch apart'],
  silent: ['bad', 'does not answer'],
  unknown: ['idle', 'not compared yet'],
}

/** How many are named; a swarm of more is told by its counts. */
const NAMED_MAX = 24

export function swarm(held: SwarmFacts, picture: SwarmPicture | undefined, { nowMs }: PageContext): Html {
  const { id, members, swarms, fetchedShare, comparison, hintsQueued, isHandingOver, isLenient } = held
  if (id === null)
    return html`<p>This node is in no swarm. <span class="soft">There are ${counted(swarms, 'swarm')}.</span></p>`
  const named = picture?.members.slice(0, NAMED_MAX) ?? []
  return html`<div class="swarm-picture">${picture === undefined ? '' : swarmMap(picture)}
<ol class="rows members">${join(named.map(memberRow))}</ol></div>
${facts([
  ['Swarm', html`<code class="key">${id}</code> <span class="soft">one of ${count(swarms)}</span>`],
  ['Members', count(members)],
  [
    'Own accounts fetched',
    fetchedShare === null ? 'not begun' : `${percent(fetchedShare)}${isLenient ? ', serving what is here' : ''}`,
  ],
  ['Compared', comparison === null ? 'not yet' : comparedText(comparison)],
  ['All alike', comparison?.lastEqualMs == null ? undefined : `${duration(nowMs - comparison.lastEqualMs)} ago`],
  ['Waiting for members', hintsQueued === 0 ? undefined : counted(hintsQueued, 'request')],
  ['Handing over', isHandingOver ? 'accounts of other swarms' : undefined],
])}`
}

function comparedText({ equal, differing, silent, apart }: NonNullable<SwarmFacts['comparison']>): string {
  const parts = [
    [equal, 'alike'],
    [differing, 'differing'],
    [silent, 'silent'],
    [apart, 'apart'],
  ] as const
  const told = parts.filter(([members]) => members > 0).map(([members, word]) => `${count(members)} ${word}`)
  return told.length === 0 ? 'with nobody' : told.join(', ')
}

function memberRow({ key, standing }: SwarmPicture['members'][number]): Html {
  const [how, words] = STANDINGS[standing]
  return html`<li>${mark(how)}<code class="key">${shortKey(key)}</code><span class="soft">${words}</span></li>`
}
