import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { withDeadline } from '../src/base/deadline.ts'
import { builtProgram } from './built-program.ts'

const READY_POLL_MS = 250
const LOG_TAIL_LINES = 15
/** A node drains within 10 s; after that it is killed. */
const STOP_TIMEOUT_MS = 15_000

export interface NodeProcessOptions {
  readonly configPath: string
  readonly logPath: string
  readonly metricsUrl: string
  /** What the program is started with; by itself when empty. */
  readonly command: readonly string[]
}

/** One service node as its own process, started as an operator would: `starling run --config …`. */
export class NodeProcess implements AsyncDisposable {
  readonly #options: NodeProcessOptions
  #child: ChildProcess | undefined
  #ended: Promise<unknown> = Promise.resolve()

  constructor(options: NodeProcessOptions) {
    this.#options = options
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get ended(): Promise<unknown> {
    return this.#ended
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  start(): void {
    if (this.running) throw new Error(`The node of ${this.#options.configPath} runs already`)
    const log = openSync(this.#options.logPath, 'a')
    // A group of its own, so that Ctrl-C reaches the devnet first, which then stops its nodes in order.
    const { main, env } = builtProgram()
    const program = [process.execPath, main, 'run', '--config', this.#options.configPath]
    const [command = '', ...rest] = [...this.#options.command, ...program]
    const child = spawn(command, rest, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
      detached: true,
    })
    this.#child = child
    this.#ended = new Promise((resolve) => child.once('exit', resolve))
    closeSync(log)
  }

  /** Settles once the node serves clients. @throws when it ends or is not ready by then, with the end of its log. */
  async ready(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    let reasons = 'it does not answer yet'
    while (performance.now() < deadline) {
      if (!this.running) throw new Error(`A node ended before it was ready:\n${this.logTail()}`)
      const signal = withDeadline(deadline - performance.now())
      const answer = await fetch(`${this.#options.metricsUrl}/readyz`, { signal }).catch(() => undefined)
      if (answer?.status === 200) {
        await answer.body?.cancel()
        return
      }
      reasons = (await answer?.text().catch(() => undefined)) ?? reasons
      await delay(READY_POLL_MS)
    }
    throw new Error(`A node is not ready after ${timeoutMs} ms: ${reasons}\n${this.logTail()}`)
  }

  /** Sends a signal and waits for the end of the process. Gives the exit code, or null after a signal. */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === undefined || !this.running) return child?.exitCode ?? null
    const exit = once(child, 'exit') as Promise<[number | null]>
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    const [code] = await exit
    clearTimeout(timer)
    return code
  }

  logTail(): string {
    return readFileSync(this.#options.logPath, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGTERM')
  }
}
