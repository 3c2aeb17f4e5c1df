import { readFileSync } from 'node:fs'

/** Of Linux on all machines that Node runs on: the unit of times in /proc. */
const TICKS_PER_SECOND = 100
/** Fields of /proc/<pid>/stat after the name, of which the first is the third: `utime` and `stime` (proc_pid_stat(5), 14 and 15). */
const USER_AT = 14 - 3
const SYSTEM_AT = 15 - 3

/** Seconds of processor time that processes have used since they started, all of their threads together. */
export function processorSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + secondsOf(pid), 0)
}

function secondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name is in parentheses, and may have spaces and parentheses of its own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[USER_AT]) + Number(fields[SYSTEM_AT])) / TICKS_PER_SECOND
}
