// Runs a program where it has loopback and nothing else: ports are free, nothing can be downloaded, and all that it started goes with it.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

const MARK = '--alone'

/** Why nothing can be kept apart here; undefined when it can. */
export function obstacleToOwnNetwork(): string | undefined {
  const attempt = spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', '--mount-proc', 'true'])
  return attempt.status === 0 ? undefined : 'this kernel makes no namespaces'
}

/** Runs this program once more, alone, and gives its exit code; undefined inside. */
export async function runAlone(): Promise<number | undefined> {
  if (process.argv.includes(MARK)) {
    spawnSync('ip', ['link', 'set', 'lo', 'up'])
    return undefined
  }
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1), MARK]
  const options = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child']
  const child = spawn('unshare', [...options, ...program], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
