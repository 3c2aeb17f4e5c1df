import { setTimeout as delay } from 'node:timers/promises'

/** How often the clock is looked at. */
const TICK_MS = 20

/**
 * Begins `act` every `everyMs` for as long as `spanMs`, with the number of the turn, and settles when all are done. What a busy machine
 * delays is made up for, so that there are as many turns on any machine.
 */
export async function paced(everyMs: number, spanMs: number, act: (turn: number) => Promise<void>): Promise<void> {
  const turns = Math.floor(spanMs / everyMs)
  const startMs = performance.now()
  const under: Promise<void>[] = []
  let failure: unknown
  const begin = (turn: number) =>
    act(turn).catch((error: unknown) => {
      failure ??= error
    })
  while (under.length < turns && failure === undefined) {
    const due = Math.min(turns, Math.floor((performance.now() - startMs) / everyMs) + 1)
    while (under.length < due) under.push(begin(under.length))
    await delay(TICK_MS)
  }
  await Promise.all(under)
  if (failure !== undefined) throw failure
}
