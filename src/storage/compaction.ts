import type { Database } from './database.ts'
import { compactionRanges } from './keys.ts'

/** What LevelDB has beside the interface that it shares with browsers. */
type Compactable = Database & { compactRange(start: Buffer, end: Buffer): Promise<void> }

/** Fewer removed messages than this are not worth rewriting files for. */
const REMOVED_MIN = 10_000
/** Messages removed, as a share of those still held, from which on their space is worth rewriting the rest. */
const REMOVED_SHARE = 0.5

export function isCompactionDue(removed: number, held: number): boolean {
  return removed >= REMOVED_MIN && removed >= held * REMOVED_SHARE
}

/**
 * Gives the space of deleted messages back to the disk. LevelDB does so when it merges files, but new writes make it merge,
 * not deletions. A part at a time, off the main thread, so that closing waits for one part at most.
 */
export async function compact(database: Database, signal: AbortSignal): Promise<void> {
  if (!isCompactable(database)) return
  for (const { gte, lt } of compactionRanges()) {
    if (signal.aborted) return
    await database.compactRange(gte, lt)
  }
}

function isCompactable(database: Database): database is Compactable {
  return 'compactRange' in database
}
