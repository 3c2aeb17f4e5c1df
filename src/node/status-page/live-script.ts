/** What the script uses of a browser. This code is checked with Node's types, which know no page. */
export interface PageElement {
  innerHTML: string
  textContent: string | null
  hidden: boolean
  readonly dataset: Record<string, string | undefined>
  readonly classList: { toggle(name: string, on: boolean): void }
  getAttribute(name: string): string | null
  setAttribute(name: string, value: string): void
  querySelector(selector: string): PageElement | null
  querySelectorAll(selector: string): Iterable<PageElement>
  closest(selector: string): PageElement | null
  contains(other: unknown): boolean
  getBoundingClientRect(): { readonly left: number; readonly width: number }
}

export interface PageDocument {
  title: string
  readonly hidden: boolean
  readonly documentElement: PageElement
  getElementById(id: string): PageElement | null
  querySelector(selector: string): PageElement | null
  querySelectorAll(selector: string): Iterable<PageElement>
  addEventListener(kind: string, listener: (event: PagePointer) => void): void
}

export interface PagePointer {
  readonly target: unknown
  readonly clientX: number
}

export interface PageWindow {
  readonly document: PageDocument
  readonly location: { reload(): void }
  readonly DOMParser: new () => { parseFromString(text: string, type: 'text/html'): PageDocument }
  getSelection(): { readonly isCollapsed: boolean; readonly anchorNode: unknown } | null
}

/**
 * Keeps the page as the node is now. It runs in the browser as it stands here, from its own text, so it must use nothing from outside
 * but what it is given and what both Node and browsers have.
 */
export function keepLive(page: PageWindow): void {
  const INTERVAL_MS = 2000
  const ANSWER_MAX_MS = 5000
  const { document } = page
  const live = document.getElementById('live')
  const stopped = document.getElementById('stopped')
  /** What each part was last made of: in the page itself, plots change under the pointer. */
  const shown = new Map(
    [...document.querySelectorAll('[data-part]')].map((part) => [part.dataset['part'] ?? '', part.innerHTML]),
  )
  // By the node's clock: this one may be wrong.
  let answeredAtMs = takenAt(document)
  let timer: ReturnType<typeof setTimeout> | undefined
  let isAsking = false

  const timeOfDay = (atMs: number) => `${new Date(atMs).toISOString().slice(11, 19)} UTC`
  function takenAt(of: PageDocument): number {
    return Number(of.documentElement.dataset['takenAt'])
  }
  const partsOf = (of: PageDocument) => of.querySelectorAll('[data-part]')

  async function refresh(): Promise<void> {
    if (isAsking) return
    isAsking = true
    clearTimeout(timer)
    try {
      const signal = AbortSignal.timeout(ANSWER_MAX_MS)
      const answer = await fetch('/', { cache: 'no-store', credentials: 'omit', redirect: 'error', signal })
      if (!answer.ok) throw new Error(`Status ${answer.status}`)
      const fresh = new page.DOMParser().parseFromString(await answer.text(), 'text/html')
      answeredAtMs = takenAt(fresh)
      take(fresh)
      tell(undefined)
    } catch {
      tell(answeredAtMs)
    } finally {
      isAsking = false
      // A page that nobody looks at asks for nothing.
      if (!document.hidden) timer = setTimeout(refresh, INTERVAL_MS)
    }
  }

  function take(fresh: PageDocument): void {
    // The node was upgraded: this script and the style may be others, too.
    const [before, now] = [document, fresh].map((of) => of.documentElement.dataset['starling'])
    if (before !== now && before !== '' && now !== '') {
      page.location.reload()
      return
    }
    document.documentElement.dataset['starling'] = now
    if (document.title !== fresh.title) document.title = fresh.title
    setIcon(fresh.querySelector('link[rel=icon]')?.getAttribute('href') ?? '')
    const selection = page.getSelection()
    const places = new Map([...partsOf(document)].map((part) => [part.dataset['part'], part]))
    for (const part of partsOf(fresh)) {
      const name = part.dataset['part'] ?? ''
      const place = places.get(name)
      if (place === undefined || shown.get(name) === part.innerHTML) continue
      // Whoever marks a command to copy it keeps it.
      if (selection !== null && !selection.isCollapsed && place.contains(selection.anchorNode)) continue
      shown.set(name, part.innerHTML)
      place.innerHTML = part.innerHTML
    }
  }

  function setIcon(path: string): void {
    const icon = document.querySelector('link[rel=icon]')
    if (icon?.getAttribute('href') !== path) icon?.setAttribute('href', path)
  }

  function tell(sinceMs: number | undefined): void {
    if (sinceMs !== undefined) {
      document.title = `No answer since ${timeOfDay(sinceMs)} · Starling`
      setIcon('/bad.svg')
    }
    document.documentElement.classList.toggle('is-stopped', sinceMs !== undefined)
    const word = live?.querySelector('span')
    if (word) word.textContent = sinceMs === undefined ? `Live, ${timeOfDay(answeredAtMs)}` : 'Not live'
    if (stopped === null || stopped.hidden === (sinceMs === undefined)) return
    stopped.hidden = sinceMs === undefined
    const sentence = stopped.querySelector('.headline')
    if (sentence && sinceMs !== undefined) sentence.textContent = `No answer since ${timeOfDay(sinceMs)}`
  }

  /** Says the values of the moment that the pointer is at, and the newest ones when it has gone. */
  function point(plot: PageElement, share: number | undefined): void {
    const [fromMs, toMs] = ['from', 'to'].map((name) => Number(plot.dataset[name]))
    const moment = plot.querySelector('.moment')
    const values = [...plot.querySelectorAll('.now b')]
    const [, , width = 1, height = 1] = (plot.querySelector('svg')?.getAttribute('viewBox') ?? '')
      .split(' ')
      .map(Number)
    const pointer = share === undefined ? '' : `M${share * width} 0V${height}`
    plot.querySelector('.pointer')?.setAttribute('d', pointer)
    for (const [at, path] of [...plot.querySelectorAll('.line')].entries()) {
      const told = (path.dataset['told'] ?? '').split('|')
      const xs = [...(path.getAttribute('d') ?? '').matchAll(/L(\d+) /g)].map((match) => Number(match[1]))
      const wanted = share === undefined ? width : share * width
      let nearest = xs.length - 1
      for (const [index, x] of xs.entries())
        if (Math.abs(x - wanted) < Math.abs((xs[nearest] ?? 0) - wanted)) nearest = index
      const value = values[at]
      if (value && told[nearest] !== undefined) value.textContent = told[nearest] ?? null
    }
    if (moment && fromMs !== undefined && toMs !== undefined) {
      moment.textContent = share === undefined ? '' : timeOfDay(fromMs + share * (toMs - fromMs))
    }
    plot.classList.toggle('is-pointed', share !== undefined)
  }

  let pointed: PageElement | null = null
  document.addEventListener('pointermove', ({ target, clientX }) => {
    const element = target as PageElement | null
    const plot = element?.closest?.('.plot') ?? null
    if (pointed !== null && pointed !== plot) point(pointed, undefined)
    pointed = plot
    const frame = plot?.querySelector('svg')?.getBoundingClientRect()
    if (plot === null || frame === undefined || frame.width === 0) return
    point(plot, Math.min(1, Math.max(0, (clientX - frame.left) / frame.width)))
  })
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void refresh()
  })
  void refresh()
}

/** The script as it is served. */
export const LIVE_SCRIPT = `'use strict'\n;(${keepLive})(window)\n`
