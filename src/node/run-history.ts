import { join } from 'node:path'
import { type Clock, HOUR } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { isJsonObject, type JsonValue } from '../protocol/json.ts'
import { isTimestamp, readNote, writeNote } from './note-file.ts'
import type { RunFacts, RunsFacts } from './status.ts'

/** Name of the file in the data folder. */
export const RUNS_FILE = 'runs.json'

/** Enough to see a crash loop in. */
const RUNS_MAX = 20

export interface RunHistory extends AsyncDisposable {
  facts(): RunsFacts
  /** Why this run ends; until this is called, because it could not start. */
  endsBecause(end: string): void
}

/**
 * Notes in the data folder when this node started and how it ended, so that after a crash, and while it is not running, there is somebody
 * to ask. Only one process may have the folder. A file that cannot be read or written costs the history, and not the node.
 */
export async function openRunHistory(
  { clock, log }: { readonly clock: Pick<Clock, 'nowMs'>; readonly log: Logger },
  { folder, ...program }: { readonly folder: string; readonly starling: string; readonly schema: number },
): Promise<RunHistory> {
  const before = (await readRuns(folder)).slice(1 - RUNS_MAX)
  const startedAtMs = clock.nowMs()
  let end = 'start-failed'
  const write = async (own: RunFacts) => {
    await writeNote(join(folder, RUNS_FILE), { runs: [...before, own] }).catch((error: unknown) => {
      log.warn({ error }, 'The start or end of this run could not be noted')
    })
  }
  await write({ startedAtMs, ...program, endedAtMs: null, end: null })
  return {
    facts: () => ({
      startsLastHour: 1 + before.filter((run) => clock.nowMs() - run.startedAtMs <= HOUR).length,
      before: before.at(-1) ?? null,
    }),
    endsBecause(reason) {
      end = reason
    },
    [Symbol.asyncDispose]: () => write({ startedAtMs, ...program, endedAtMs: clock.nowMs(), end }),
  }
}

/** Oldest first; none where there is no such file, or it is damaged. */
export async function readRuns(folder: string): Promise<readonly RunFacts[]> {
  const runs = (await readNote(join(folder, RUNS_FILE)))?.['runs']
  return Array.isArray(runs) ? runs.flatMap((run) => runOf(run) ?? []).slice(-RUNS_MAX) : []
}

function runOf(value: JsonValue): RunFacts | undefined {
  if (!isJsonObject(value)) return undefined
  const { startedAtMs, starling, schema, endedAtMs, end } = value
  if (!isTimestamp(startedAtMs) || typeof starling !== 'string') return undefined
  const isEnded = isTimestamp(endedAtMs) && typeof end === 'string'
  return {
    ...{ startedAtMs, starling, schema: typeof schema === 'number' ? schema : null },
    ...{ endedAtMs: isEnded ? endedAtMs : null, end: isEnded ? end : null },
  }
}
