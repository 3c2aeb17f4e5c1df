import { type DurationMs, HOUR, MINUTE } from '../../base/clock.ts'
import { bytes, rate } from '../../base/figures.ts'
import type { TrafficSample } from '../traffic-history.ts'
import type { PageContext } from './card.ts'
import { type Html, html, join } from './html.ts'
import { binaryCeiling, decimalCeiling, type PlotOptions, type PlotSeries, plot } from './plot.ts'

type Reading = (sample: TrafficSample) => number

const PER_S = { told: (value: number) => `${rate(value)}/s`, ceiling: decimalCeiling }
const BYTES_PER_S = { told: (value: number) => `${bytes(value)}/s`, ceiling: binaryCeiling }
const BYTES = { told: bytes, ceiling: binaryCeiling }

export function traffic(context: PageContext): Html {
  return html`<div class="plots">${join([
    plotOf('Client requests', PER_S, context, [
      ['answered', ({ requestsPerS }) => requestsPerS],
      ['refused', ({ refusedPerS }) => refusedPerS],
    ]),
    plotOf('Onion requests', PER_S, context, [
      ['passed on', ({ relayedPerS }) => relayedPerS],
      ['for here', ({ deliveredPerS }) => deliveredPerS],
    ]),
    plotOf('Messages', PER_S, context, [
      ['stored', ({ storesPerS }) => storesPerS],
      ['retrieved', ({ retrievesPerS }) => retrievesPerS],
    ]),
    plotOf('Data of clients', BYTES_PER_S, context, [
      ['in', ({ bytesInPerS }) => bytesInPerS],
      ['out', ({ bytesOutPerS }) => bytesOutPerS],
    ]),
  ])}</div>`
}

export function storedPlot(context: PageContext): Html {
  return plotOf('Message data', BYTES, context, [['held', ({ storedBytes }) => storedBytes]])
}

/** A node that has just begun is shown closer; so that the scale seldom changes, there are few of them. */
const SPANS_MS: readonly DurationMs[] = [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, HOUR]

/** It ends with the newest sample, so that nothing moves between two of them. */
function plotOf(
  title: string,
  scale: Pick<PlotOptions, 'told' | 'ceiling'>,
  { history, sampleIntervalMs, nowMs }: PageContext,
  readings: readonly (readonly [name: string, reading: Reading])[],
): Html {
  const toMs = history.at(-1)?.atMs ?? nowMs
  const rememberedMs = toMs - (history[0]?.atMs ?? toMs)
  const spanMs = SPANS_MS.find((span) => rememberedMs <= span) ?? HOUR
  const series = readings.map(
    ([name, reading]): PlotSeries => ({
      name,
      points: history.map((sample) => ({ atMs: sample.atMs, value: reading(sample) })),
    }),
  )
  return plot(series, { title, ...scale, fromMs: toMs - spanMs, toMs, gapMs: 3 * sampleIntervalMs })
}
