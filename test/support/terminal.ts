// A program in a terminal of its own, which `script` of util-linux makes.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { withDeadline } from '../../src/base/deadline.ts'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

const WAIT_MAX_MS = 60_000

/** Why there can be no terminals here; undefined where there can. */
export function terminalsLacking(): string | undefined {
  const { stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' })
  return stdout?.includes('util-linux') ? undefined : 'util-linux with its program `script` is not installed'
}

export class Terminal implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #news = new EventEmitter()
  #output = ''
  #code: number | undefined

  /** The command is a shell's: quote what needs it. */
  constructor(
    command: string,
    { columns, rows }: TerminalSize,
    env: Readonly<Record<string, string | undefined>> = {},
  ) {
    const prepared = `tty; stty cols ${columns} rows ${rows}; ${command}; echo "ended $? $(stty -a | grep -o -e '-\\?icanon')"`
    this.#child = spawn('script', ['--quiet', '--flush', '--return', '--command', prepared, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: undefined, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#news.setMaxListeners(0)
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      this.#news.emit('news')
    })
    this.#child.once('close', (code) => {
      this.#code = code ?? -1
      this.#news.emit('news')
    })
    this.#child.stdin?.on('error', () => {})
  }

  /** All that was written to it. */
  get output(): string {
    return this.#output
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys)
  }

  resize({ columns, rows }: TerminalSize): void {
    const [, device = ''] = /^(\/dev\/\S+)/.exec(this.#output) ?? []
    execFileSync('stty', ['-F', device, 'cols', String(columns), 'rows', String(rows)])
  }

  async until(isIt: (output: string) => boolean): Promise<void> {
    const signal = withDeadline(WAIT_MAX_MS)
    while (!isIt(this.#output)) {
      if (this.#code !== undefined) throw new Error(`The terminal was closed: ${this.#output.slice(-2000)}`)
      await once(this.#news, 'news', { signal })
    }
  }

  /** What the shell said after the command: its exit code, and whether the terminal is as it was. */
  async ended(): Promise<{ readonly code: number; readonly isRestored: boolean }> {
    const signal = withDeadline(WAIT_MAX_MS)
    while (this.#code === undefined) await once(this.#news, 'news', { signal })
    const [, code, mode] = /ended (\d+) (-?icanon)/.exec(this.#output) ?? []
    return { code: Number(code), isRestored: mode === 'icanon' }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#code !== undefined) return
    this.#child.kill('SIGKILL')
    await this.ended()
  }
}
