// Ends the given processes when its standard input closes, that is, when the devnet is gone however it went
// (kill -9 included). Usage: node devnet/reaper.ts, then lines "+PID" and "-PID" on standard input.
import { createInterface } from 'node:readline'

const pids = new Set<number>()
// Ctrl-C reaches the whole group of the terminal: the reaper outlives it to see that nothing is left.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1))
  if (!Number.isSafeInteger(pid) || pid <= 1) continue
  if (line.startsWith('+')) pids.add(pid)
  else pids.delete(pid)
}
for (const pid of pids) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
