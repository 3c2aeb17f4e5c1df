import { readFileSync } from 'node:fs'

/** Whether a process runs: one that has ended but was not collected by its parent yet does not. */
export function isRunning(pid: number): boolean {
  try {
    // The state follows the name, which stands in brackets and may hold anything.
    const state = /\) (\w) [^)]*$/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
    return state !== 'Z' && state !== 'X'
  } catch {
    return false
  }
}
