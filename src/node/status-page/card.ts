import type { TimestampMs } from '../../base/clock.ts'
import type { Section } from '../status.ts'
import type { TrafficSample } from '../traffic-history.ts'
import { type Html, html, join } from './html.ts'

/** What every part of the page may look at besides its own facts. */
export interface PageContext {
  readonly nowMs: TimestampMs
  readonly history: readonly TrafficSample[]
  readonly sampleIntervalMs: number
  /** Told of what could not be shown. */
  readonly onFault: (error: unknown) => void
}

/** A card of the page. Its inner part is what the page's script replaces when it changes. */
export function card<Facts>(
  name: string,
  title: string,
  section: Section<Facts>,
  show: (facts: Facts) => Html,
  context: PageContext,
): Html {
  return html`<section class="card ${name}" aria-labelledby="${name}-title"><h2 id="${name}-title">${title}</h2><div data-part="${name}">${body(section, show, context)}</div></section>
`
}

function body<Facts>(section: Section<Facts>, show: (facts: Facts) => Html, context: PageContext): Html {
  if (section.state !== 'known')
    return html`<p class="missing">${MISSING[section.state]} <span class="soft">${section.reason}.</span></p>`
  return guarded(() => show(section.facts), BROKEN, context)
}

/** Whatever is broken in one part keeps none of the others back. */
export function guarded<Shown>(show: () => Shown, otherwise: Shown, { onFault }: PageContext): Shown {
  try {
    return show()
  } catch (error) {
    onFault(error)
    return otherwise
  }
}

const BROKEN = html`<p class="missing">This part cannot be shown. <span class="soft">The log of the node tells why.</span></p>`

const MISSING = {
  absent: 'Nothing to show.',
  silent: 'This part of the node does not answer.',
  failed: 'This part of the node failed.',
} as const

/** Names and values; those without a value are left out. */
export function facts(rows: readonly (readonly [name: string, value: Html | string | undefined])[]): Html {
  const shown = rows.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [html`<div><dt>${name}</dt><dd>${value}</dd></div>`],
  )
  return html`<dl class="facts">${join(shown)}</dl>`
}

/** How something is: told by a word and a shape, and by a colour besides. */
export type Standing = 'good' | 'warning' | 'bad' | 'idle'

export function mark(standing: Standing): Html {
  return html`<i class="mark ${standing}" aria-hidden="true"></i>`
}
