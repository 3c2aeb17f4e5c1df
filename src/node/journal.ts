import { fstatSync } from 'node:fs'
import type { LogLevel } from './log-options.ts'

export interface JournalEnvironment {
  readonly JOURNAL_STREAM?: string | undefined
}

/** The priorities of syslog(3). */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 }

/**
 * Whether systemd passes on to its journal what is written there. As systemd.exec(5) has it, device and inode are compared: whoever started
 * this process from a service may have led its output elsewhere.
 */
export function isJournal(fileDescriptor: number, { JOURNAL_STREAM }: JournalEnvironment): boolean {
  if (JOURNAL_STREAM === undefined || JOURNAL_STREAM === '') return false
  try {
    const { dev, ino } = fstatSync(fileDescriptor, { bigint: true })
    return JOURNAL_STREAM === `${dev}:${ino}`
  } catch {
    return false
  }
}

/** Begins each line with its priority, as sd-daemon(3) has it. Without one, everything is of the level info to journalctl. */
export function withPriority(level: LogLevel, text: string): string {
  const lines = text.split('\n')
  return lines.map((line) => (line === '' ? line : `<${PRIORITIES[level]}>${line}`)).join('\n')
}
