import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { builtProgram, COMPILE_CACHE } from '../../devnet/built-program.ts'
import { withDeadline } from '../../src/base/deadline.ts'

/**
 * A whole devnet that starts on a busy machine takes a minute and more. Just short of what a test has, so that it is told what the
 * program said.
 */
const WAIT_MAX_MS = 170_000

export interface ProgramOptions {
  readonly cwd?: string
  /** On top of this process's own; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Standard input, which is empty without it. */
  readonly input?: string
}

export interface ProgramEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process under test. Disposal kills it. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #news = new EventEmitter()
  #stdout = ''
  #stderr = ''
  #end: ProgramEnd | undefined

  constructor(command: string, args: readonly string[], { cwd, env = {}, input = '' }: ProgramOptions = {}) {
    this.#child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
      stdio: 'pipe',
    })
    this.#news.setMaxListeners(0)
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#news.emit('news')
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#news.emit('news')
    })
    // Unlike `exit`, this comes after all output.
    this.#child.once('close', (code, signal) => {
      this.#end = { code, signal, stdout: this.#stdout, stderr: this.#stderr }
      this.#news.emit('news')
    })
    // A program that does not read its input may be gone before it is written.
    this.#child.stdin?.on('error', () => {})
    this.#child.stdin?.end(input)
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('The program did not start')
    return this.#child.pid
  }

  get stdout(): string {
    return this.#stdout
  }

  /** What standard output has said so far, one JSON object a line. */
  get events(): readonly Record<string, unknown>[] {
    const whole = this.#stdout.slice(0, this.#stdout.lastIndexOf('\n') + 1)
    return whole
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Settles when `find` finds something in what the program has said. @throws when it ends before that. */
  async until<T>(find: (program: this) => T | undefined): Promise<T> {
    const signal = withDeadline(WAIT_MAX_MS)
    for (;;) {
      const found = find(this)
      if (found !== undefined) return found
      if (this.#end !== undefined) throw new Error(`The program ended with ${this.#end.code}: ${this.#said()}`)
      await this.#nextNews(signal)
    }
  }

  async ended(waitMaxMs: number = WAIT_MAX_MS): Promise<ProgramEnd> {
    const signal = withDeadline(waitMaxMs)
    while (this.#end === undefined) await this.#nextNews(signal)
    return this.#end
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end !== undefined) return
    this.kill('SIGKILL')
    await this.ended()
  }

  async #nextNews(signal: AbortSignal): Promise<void> {
    try {
      await once(this.#news, 'news', { signal })
    } catch (cause) {
      throw new Error(`Waited too long for the program. It said: ${this.#said()}`, { cause })
    }
  }

  #said(): string {
    return `${this.#stdout}\n${this.#stderr}`.slice(-4000)
  }
}

/** `starling` with these words, as a process of its own. */
export function startStarling(args: readonly string[], options: ProgramOptions = {}): Program {
  const { main, env } = builtProgram()
  return new Program(process.execPath, [main, ...args], { ...options, env: { ...env, ...options.env } })
}

/** The same, until its end. */
export async function runStarling(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramEnd> {
  await using program = startStarling(args, options)
  return await program.ended()
}
