import { count, counted, duration, percent, shortKey } from '../../base/figures.ts'
import type { SwarmFacts } from '../status.ts'
import { facts, mark, type PageContext, type Standing } from './card.ts'
import { type Html, html, join } from './html.ts'
import { swarmMap } from './swarm-map.ts'
import type { MemberStanding, PicturedMember, SwarmPicture } from './swarm-picture.ts'

const STANDINGS: Readonly<Record<MemberStanding, Standing>> = {
  self: 'good',
  passing: 'good',
  failing: 'bad',
  untested: 'idle',
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

function memberRow(member: PicturedMember): Html {
  return html`<li>${mark(STANDINGS[member.standing])}<code class="key">${shortKey(member.key)}</code><span class="soft">${memberText(member)}</span></li>`
}

function memberText({ standing, isConnected, latencyMs }: PicturedMember): string {
  if (standing === 'self') return 'this node'
  if (standing === 'failing') return 'fails a test'
  if (standing === 'untested') return isConnected ? 'not tested yet' : 'not connected'
  return latencyMs === null ? 'passes' : `answers in ${count(Math.max(1, latencyMs))} ms`
}
