// A Debian that runs in a container with its own systemd, as a server would; commands are typed as root.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const BOOT_MAX_MS = 120_000
const STOP_MAX_MS = 60_000
const COMMAND_MAX_MS = 180_000
const POLL_MS = 200
const OUTPUT_MAX_BYTES = 8 * 1024 * 1024

export interface CommandEnd {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Disposal powers it off. Its network is that of this process. */
export class BootedDebian implements AsyncDisposable {
  readonly root: string
  readonly #container: ChildProcess
  readonly #init: number

  private constructor(root: string, container: ChildProcess, init: number) {
    this.root = root
    this.#container = container
    this.#init = init
  }

  static async boot(root: string, logPath: string): Promise<BootedDebian> {
    const log = openSync(logPath, 'w')
    const options = ['--quiet', '--register=no', '--keep-unit', '--console=pipe', '--resolv-conf=off', '--timezone=off']
    const container = spawn('systemd-nspawn', [...options, '--directory', root, '--boot'], {
      stdio: ['ignore', log, log],
    })
    const deadline = performance.now() + BOOT_MAX_MS
    for (;;) {
      if (container.exitCode !== null) throw new Error(`It does not boot:\n${readFileSync(logPath, 'utf8')}`)
      const init = container.pid === undefined ? undefined : childOf(container.pid)
      if (init !== undefined) {
        const debian = new BootedDebian(root, container, init)
        // Degraded is no obstacle: some of what a machine starts has no meaning in a container.
        const { stdout } = await debian.run('systemctl is-system-running --wait').catch(() => ({ stdout: '' }))
        if (/running|degraded/.test(stdout)) return debian
      }
      if (performance.now() > deadline) {
        container.kill('SIGKILL')
        throw new Error(`It is not up in time:\n${readFileSync(logPath, 'utf8')}`)
      }
      await delay(POLL_MS)
    }
  }

  /** A line for a shell, as root at the console. */
  run(line: string): Promise<CommandEnd> {
    const inside = ['--target', String(this.#init), '--mount', '--uts', '--ipc', '--pid', '--cgroup', '--root', '--wd']
    const clean = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LC_ALL=C.UTF-8']
    return new Promise((resolve) => {
      const options = { timeout: COMMAND_MAX_MS, maxBuffer: OUTPUT_MAX_BYTES }
      execFile('nsenter', [...inside, ...clean, 'sh', '-c', line], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        resolve({ code, stdout, stderr })
      })
    })
  }

  /** The same, which must succeed. */
  async must(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line)
    if (code !== 0) throw new Error(`${line}\nended with ${code}:\n${stdout}${stderr}`)
    return stdout
  }

  path(inside: string): string {
    return join(this.root, inside)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#container.exitCode !== null || this.#container.signalCode !== null) return
    const ended = once(this.#container, 'exit')
    // It passes this on as the button that switches a machine off.
    this.#container.kill('SIGTERM')
    const timer = setTimeout(() => this.#container.kill('SIGKILL'), STOP_MAX_MS)
    await ended
    clearTimeout(timer)
  }
}

/** The first process of the container. */
function childOf(pid: number): number | undefined {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
  return child === undefined || child === '' ? undefined : Number(child)
}
