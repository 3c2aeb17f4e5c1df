import { SECOND } from '../../base/clock.ts'
import { wait } from '../../base/wait.ts'
import { refuseOutOfRange } from '../account/errors.ts'
import type { AdminClient } from '../admin-client.ts'
import { type CommandOutcome, jsonLine } from '../command-outcome.ts'
import { configurationNotes, type FoundPlace, nodeAt, nodePlaceOf } from '../status/node-place.ts'
import { TopError } from './errors.ts'
import { type FrameSize, frame } from './frame.ts'
import { type Look, lookAt, resultOf } from './look.ts'
import { INTERVAL_S, type TopArgs } from './options.ts'
import { painter, wantsColour } from './paint.ts'
import { openScreen } from './screen.ts'

/** What there is without a terminal, as on paper. */
const COLUMNS_DEFAULT = 80

/** Shows the running node once, as a stream of documents, or live. */
export async function watchNode(args: TopArgs): Promise<CommandOutcome> {
  refuseOutOfRange('interval', args.interval, INTERVAL_S)
  const { stdin, stdout } = process
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true
  if (!args.once && !args.json && !isTerminal) {
    throw new TopError(
      'TERMINAL_MISSING',
      'starling top is for a terminal, and there is none: use --once, or --json for scripts',
    )
  }
  const place = nodePlaceOf(args)
  const node = nodeAt(place)
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop).once('SIGHUP', stop)
  try {
    // A node that does not run is told of as every command does, before a terminal is taken over.
    const first = await lookAt(node, stopping.signal)
    if (args.once) return noted(outcomeOf(first), place)
    const watch = { node, first, intervalMs: args.interval * SECOND, stopping }
    return args.json ? await stream(watch) : noted(await live(watch), place)
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop)
  }
}

function noted(outcome: CommandOutcome, place: FoundPlace): CommandOutcome {
  return { ...outcome, lines: [...outcome.lines, ...configurationNotes(place)] }
}

interface Watch {
  readonly node: AdminClient
  readonly first: Look
  readonly intervalMs: number
  readonly stopping: AbortController
}

function outcomeOf(look: Look): CommandOutcome {
  return { result: resultOf(look), lines: linesOf(look, { columns: process.stdout.columns ?? COLUMNS_DEFAULT }) }
}

function linesOf({ status, traffic }: Look, size: FrameSize, silentSinceMs?: number): readonly string[] {
  const { samples, sampleIntervalMs } = traffic
  const paint = painter(wantsColour(process.stdout, process.env))
  return frame({ status, samples, sampleIntervalMs, silentSinceMs }, size, paint)
}

/** A document a line, until whoever reads has enough. */
async function stream({ node, first, intervalMs, stopping }: Watch): Promise<CommandOutcome> {
  const { signal } = stopping
  // A pipe that is closed at its other end is no failure.
  process.stdout.once('error', () => stopping.abort())
  let documents = 0
  let look = first
  try {
    for (;;) {
      process.stdout.write(`${jsonLine(resultOf(look))}\n`)
      documents++
      await wait(intervalMs, signal)
      look = await lookAt(node, signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return { result: { stopped: true, documents }, lines: [] }
}

/** The last picture stays in the terminal when it is over. */
async function live({ node, first, intervalMs, stopping }: Watch): Promise<CommandOutcome> {
  const { signal } = stopping
  let look = first
  let silentSinceMs: number | undefined
  let redraw = () => {}
  let hurry = () => {}
  {
    using screen = openScreen(process.stdin, process.stdout, {
      onQuit: () => stopping.abort(),
      onResize: () => redraw(),
      onKey: () => hurry(),
    })
    redraw = () => screen.draw(linesOf(look, screen.size, silentSinceMs))
    while (!signal.aborted) {
      redraw()
      const woken = new AbortController()
      hurry = () => woken.abort()
      await wait(intervalMs, AbortSignal.any([signal, woken.signal])).catch(() => {})
      if (signal.aborted) break
      try {
        look = await lookAt(node, signal)
        silentSinceMs = undefined
      } catch {
        // It may be restarted: whoever watches that wants to see it come back.
        silentSinceMs ??= look.status.takenAtMs
      }
    }
  }
  return outcomeOf(look)
}
