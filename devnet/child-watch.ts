import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const REAPER = join(import.meta.dirname, 'reaper.ts')

/** Makes sure that no child outlives this process, even when it is killed with SIGKILL. */
export interface ChildWatch extends AsyncDisposable {
  /** Watches over a process until it has ended: from then on its id may be another's. */
  add(pid: number, ended: Promise<unknown>): void
}

export function createChildWatch(): ChildWatch {
  const reaper = spawn(process.execPath, [REAPER], { stdio: ['pipe', 'ignore', 'inherit'], detached: true })
  const ended = once(reaper, 'exit')
  // The pipe breaks if somebody kills the reaper; the devnet goes on without it.
  reaper.stdin.on('error', () => {})
  return {
    add(pid, ended) {
      reaper.stdin.write(`+${pid}\n`)
      void ended.then(() => reaper.stdin.writable && reaper.stdin.write(`-${pid}\n`))
    },
    async [Symbol.asyncDispose]() {
      reaper.stdin.end()
      await ended
    },
  }
}
