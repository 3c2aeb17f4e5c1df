import { readdirSync, readFileSync } from 'node:fs'

/** Whether a process runs: one that has ended but was not collected by its parent yet does not. */
export function isRunning(pid: number): boolean {
  const state = statOf(pid)?.state
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** The command line of a process, or nothing when it is gone. */
export function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') ?? ''
}

/** Whatever this process has started, and what those have. */
export function descendantsOf(pid: number): readonly number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  const children = pids.filter((one) => statOf(one)?.parent === pid)
  return children.flatMap((child) => [child, ...descendantsOf(child)])
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  // They follow the name, which stands in brackets and may hold anything.
  const [, state, parent] = /\) (\w) (\d+) [^)]*$/.exec(read(`/proc/${pid}/stat`) ?? '') ?? []
  return state === undefined ? undefined : { state, parent: Number(parent) }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
