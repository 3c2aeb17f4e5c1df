import { SWARM_SPACE_SIZE } from '../../protocol/swarm-space.ts'
import { type Html, html, join } from './html.ts'
import type { PicturedMember, SwarmPicture } from './swarm-picture.ts'

const CENTRE = 130
const RING = 112
const TICK = 7
const CIRCLE = 62
const DOT = 9
/** More could not be told apart. */
const TICKS_MAX = 360
const DOTS_MAX = 24
/** An angle is exact enough with so many bits of a point. */
const ANGLE_BITS = 32n

/**
 * The ring of all accounts with the part that this node keeps, where the other swarms stand on it, and inside, around this node, the
 * members of its swarm.
 */
export function swarmMap({ swarms, arc, members }: SwarmPicture): Html {
  const others = members.filter(({ standing }) => standing !== 'self').slice(0, DOTS_MAX)
  const share = arc === undefined ? 0 : turn(BigInt.asUintN(64, arc.last - arc.first))
  const alt = `The ring of all accounts: this node keeps ${Math.round(share * 100)} % of it, with ${others.length} other members; there are ${swarms.length} swarms`
  return html`<svg class="map" viewBox="0 0 260 260" role="img" aria-label="${alt}">
<circle class="ring" cx="${CENTRE}" cy="${CENTRE}" r="${RING}"/>
<path class="ticks" d="${ticks(swarms)}"/>
${arc === undefined ? '' : html`<path class="arc" d="${arcPath(turn(arc.first), share)}"/>`}
${join(others.map((member, at) => spoke(member, at, others.length)))}
${join(others.map((member, at) => dot(member, at, others.length)))}
<circle class="dot self" cx="${CENTRE}" cy="${CENTRE}" r="${DOT + 2}"/><text x="${CENTRE}" y="${CENTRE}">1</text>
</svg>`
}

function ticks(swarms: readonly bigint[]): string {
  const step = Math.max(1, Math.ceil(swarms.length / TICKS_MAX))
  const shown = swarms.filter((_, at) => at % step === 0)
  return shown.map((id) => `M${point(turn(id), RING - TICK)}L${point(turn(id), RING + TICK)}`).join('')
}

function arcPath(from: number, share: number): string {
  // An arc that ends where it begins is not drawn, so a whole ring takes two.
  const middle = point(from + share / 2, RING)
  const large = share / 2 > 0.5 ? 1 : 0
  const radius = `${RING} ${RING} 0 ${large} 1`
  return `M${point(from, RING)}A${radius} ${middle}A${radius} ${point(from + share, RING)}`
}

/** Drawn through while there is a connection. */
function spoke({ isConnected }: PicturedMember, at: number, of: number): Html {
  return html`<path class="spoke ${isConnected ? 'connected' : 'apart'}" d="M${CENTRE} ${CENTRE}L${point(at / of, CIRCLE)}"/>`
}

/** Numbered as in the list beside it. */
function dot({ standing }: PicturedMember, at: number, of: number): Html {
  const [x = 0, y = 0] = place(at / of, CIRCLE)
  return html`<circle class="dot ${standing}" cx="${x}" cy="${y}" r="${DOT}"/><text x="${x}" y="${y}">${at + 2}</text>`
}

/** A point of the ring as a part of a whole turn. */
function turn(space: bigint): number {
  return Number(space >> ANGLE_BITS) / Number(SWARM_SPACE_SIZE >> ANGLE_BITS)
}

/** Zero is on top, and it goes round as clocks do. */
function place(turns: number, radius: number): readonly number[] {
  const angle = 2 * Math.PI * turns
  return [CENTRE + radius * Math.sin(angle), CENTRE - radius * Math.cos(angle)].map(
    (value) => Math.round(value * 10) / 10,
  )
}

function point(turns: number, radius: number): string {
  return place(turns, radius).join(' ')
}
