import { SECOND } from '../base/clock.ts'
import { systemTimers, type Timers } from '../base/timers.ts'

/** Where a person looks, if isTTY is true. */
interface Screen {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Questions that wait for an answer now: nothing may be written beside them. */
let asking = 0

/** While a person is being asked, nothing else tells that time passes. */
export async function whileAsking<T>(ask: () => Promise<T>): Promise<T> {
  asking++
  try {
    return await ask()
  } finally {
    asking--
  }
}

/** Erases to the end of the line. */
const ERASE = '\u001b[K'

/**
 * Tells on a terminal how long a command has been at work, from one second on, and takes that back at the end. The cursor stays at the
 * beginning of the line, so that whatever else is written takes its place.
 */
export function createWaitingNotice(
  screen: Screen = process.stderr,
  timers: Pick<Timers, 'after'> = systemTimers,
): Disposable {
  let seconds = 0
  let isShown = false
  let cancel = () => {}
  const next = () => {
    cancel = timers.after(SECOND, tell)
  }
  const tell = () => {
    seconds++
    if (asking === 0) {
      screen.write(`Working … ${seconds} s${ERASE}\r`)
      isShown = true
    }
    next()
  }
  if (screen.isTTY === true) next()
  return {
    [Symbol.dispose]() {
      cancel()
      if (isShown) screen.write(ERASE)
    },
  }
}
