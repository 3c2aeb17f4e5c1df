import { bytes, count, duration, timeOfDay } from '../../base/figures.ts'
import type { NodeFacts } from '../status.ts'
import { facts, mark, type PageContext } from './card.ts'
import { type Html, html, join, NOTHING } from './html.ts'

/** The process and its machine. */
export function machine(held: NodeFacts, { nowMs }: PageContext): Html {
  const { starling, nodeVersion, publicIp, httpsPort, memory, cpuSeconds, uptimeMs, eventLoopDelayMs, log, runs } = held
  return html`${facts([
    ['Version', html`${starling} <span class="soft">on Node ${nodeVersion}</span>`],
    ['Address', `${publicIp} port ${httpsPort}`],
    ['Memory', `${bytes(memory.rssBytes)}, heap ${bytes(memory.heapUsedBytes)} of ${bytes(memory.heapLimitBytes)}`],
    [
      'Processor',
      `${uptimeMs === 0 ? 0 : ((100 * 1000 * cpuSeconds) / uptimeMs).toFixed(1)} % of one core since the start`,
    ],
    [
      'Event loop',
      held.isOverloaded
        ? html`${mark('bad')}late by ${delay(eventLoopDelayMs)}, requests are refused`
        : `late by ${delay(eventLoopDelayMs)}`,
    ],
    ['Starts in the last hour', count(runs.startsLastHour)],
    ['Run before', runText(runs.before, nowMs)],
    ['Logged', `${count(log.errors)} errors, ${count(log.warnings)} warnings`],
  ])}${
    log.newest.length === 0
      ? NOTHING
      : html`<ul class="rows log">${join(
          log.newest
            .slice(-LINES_SHOWN)
            .map(
              ({ atMs, part, sentence }) =>
                html`<li>${mark('warning')}<span>${sentence}</span><span class="soft">${part}, ${timeOfDay(atMs)}</span></li>`,
            ),
        )}</ul>`
  }`
}

const LINES_SHOWN = 3

function delay(ms: number): string {
  return ms < 1 ? 'less than 1 ms' : `${count(ms)} ms`
}

function runText(before: NodeFacts['runs']['before'], nowMs: number): string | undefined {
  if (before === null) return undefined
  const { endedAtMs, end } = before
  if (endedAtMs === null) return 'was killed, or crashed'
  return `ended ${duration(nowMs - endedAtMs)} ago${end === null || end === 'stopped' ? '' : ` (${end})`}`
}
