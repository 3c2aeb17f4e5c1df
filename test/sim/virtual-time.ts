// The time of a simulation: it stands still while anything runs, and jumps to whatever comes next.
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock, DurationMs, TimestampMs } from '../../src/base/clock.ts'
import type { Timers } from '../../src/base/timers.ts'

interface Happening {
  readonly atMs: DurationMs
  /** Of two at one moment, the one that was planned first happens first. */
  readonly order: number
  readonly run: () => unknown
  isCancelled: boolean
}

/** A turn of the event loop costs as much as most of what happens. */
const HAPPENINGS_A_TURN = 4

export class VirtualTime {
  readonly #startMs: TimestampMs
  /** A binary heap: the earliest is at the top. */
  readonly #heap: Happening[] = []
  #order = 0
  #turns = 0
  #elapsedMs: DurationMs = 0

  constructor(startMs: TimestampMs) {
    this.#startMs = startMs
  }

  get elapsedMs(): DurationMs {
    return this.#elapsedMs
  }

  /** What a clock that is right shows. */
  get nowMs(): TimestampMs {
    return this.#startMs + this.#elapsedMs
  }

  /** Plans something; the result takes it back. Time waits for what it returns. */
  after(ms: DurationMs, run: () => unknown): () => void {
    const happening = { atMs: this.#elapsedMs + Math.max(0, ms), order: this.#order++, run, isCancelled: false }
    this.#heap.push(happening)
    this.#rise(this.#heap.length - 1)
    return () => {
      happening.isCancelled = true
    }
  }

  /** Lets everything happen up to a moment. */
  async runUntil(endMs: DurationMs): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= endMs; next = this.#heap[0]) {
      this.#removeTop()
      if (next.isCancelled) continue
      this.#elapsedMs = next.atMs
      await next.run()
      // All promises that can be settled without time passing are; what gives way to the event loop goes on a little later.
      await (this.#turns++ % HAPPENINGS_A_TURN === 0 ? turn() : settled())
    }
    this.#elapsedMs = endMs
  }

  #rise(start: number): void {
    for (let at = start; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#swapUnlessOrdered(parent, at)) return
      at = parent
    }
  }

  #removeTop(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      const child = this.#isBefore(left + 1, left) ? left + 1 : left
      if (child >= this.#heap.length || !this.#swapUnlessOrdered(at, child)) return
      at = child
    }
  }

  /** Returns whether it had to swap. */
  #swapUnlessOrdered(upper: number, lower: number): boolean {
    if (!this.#isBefore(lower, upper)) return false
    const [a, b] = [this.#heap[upper], this.#heap[lower]]
    if (a === undefined || b === undefined) return false
    this.#heap[upper] = b
    this.#heap[lower] = a
    return true
  }

  #isBefore(index: number, other: number): boolean {
    const [a, b] = [this.#heap[index], this.#heap[other]]
    if (a === undefined || b === undefined) return false
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  }
}

/** Resolves when no promise is left that can be settled: ticks wait for all of them. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** One for all: most deadlines pass long after what they were for has ended. */
const DEADLINE_PASSED = new DOMException('The deadline has passed', 'TimeoutError')

/** What one life of a process knows of time; when it ends, nothing that it waits for happens any more. */
export class LifeTime implements Clock, Timers {
  readonly #time: VirtualTime
  readonly #bornMs: DurationMs
  readonly #wall: { readonly skewMs: DurationMs }
  readonly #deadlines = new WeakMap<AbortSignal, Set<AbortController>>()
  isOver = false

  constructor(time: VirtualTime, wall: { readonly skewMs: DurationMs }) {
    this.#time = time
    this.#wall = wall
    this.#bornMs = time.elapsedMs
  }

  nowMs(): TimestampMs {
    return this.#time.nowMs + this.#wall.skewMs
  }

  monotonicMs(): DurationMs {
    return this.#time.elapsedMs - this.#bornMs
  }

  after(ms: DurationMs, callback: () => void): () => void {
    return this.#time.after(ms, () => {
      if (!this.isOver) callback()
    })
  }

  deadline(ms: DurationMs, parent?: AbortSignal): AbortSignal {
    if (parent?.aborted) return parent
    const controller = new AbortController()
    const siblings = parent && this.#deadlinesOf(parent)
    siblings?.add(controller)
    this.after(ms, () => {
      siblings?.delete(controller)
      controller.abort(DEADLINE_PASSED)
    })
    return controller.signal
  }

  /** What ends with a signal, which is listened to once: looking through the listeners of a long-lived one is slow. */
  #deadlinesOf(parent: AbortSignal): Set<AbortController> {
    const known = this.#deadlines.get(parent)
    if (known !== undefined) return known
    const controllers = new Set<AbortController>()
    this.#deadlines.set(parent, controllers)
    parent.addEventListener('abort', () => {
      for (const controller of controllers) controller.abort(parent.reason)
    })
    return controllers
  }
}
