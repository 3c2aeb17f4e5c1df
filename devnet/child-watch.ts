import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const REAPER = join(import.meta.dirname, 'reaper.ts')

/** Makes sure that no child outlives this process, even when it is killed with SIGKILL. */
export interface ChildWatch extends AsyncDisposable {
  add(pid: number): void
  remove(pid: number): void
}

export function createChildWatch(): ChildWatch {
  const reaper = spawn(process.execPath, [REAPER], { stdio: ['pipe', 'ignore', 'inherit'], detached: true })
  const ended = once(reaper, 'exit')
  // The pipe breaks if somebody kills the reaper; the devnet goes on without it.
  reaper.stdin.on('error', () => {})
  return {
    add: (pid) => void reaper.stdin.write(`+${pid}\n`),
    remove: (pid) => void reaper.stdin.write(`-${pid}\n`),
    async [Symbol.asyncDispose]() {
      reaper.stdin.end()
      await ended
    },
  }
}
