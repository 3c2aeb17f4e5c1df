import { systemTimers } from '../../src/base/timers.ts'

/** Timers that go off when the test says so. */
export function handTimers() {
  let next: (() => void) | undefined
  const waits: number[] = []
  const timers = {
    deadline: systemTimers.deadline,
    after(ms: number, callback: () => void) {
      waits.push(ms)
      next = callback
      return () => {
        next = undefined
      }
    },
  }
  return { timers, waits, isWaiting: () => next !== undefined, fire: () => next?.() }
}
