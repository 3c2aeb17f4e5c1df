import { createWriteStream, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { readConfigurationFile, readNetworkPreset } from '../src/cli/config/flat-configuration.ts'
import { parseServiceNodeArgs, type ServiceNodeArgs, serviceNodeFlags } from '../src/cli/options/service-node.ts'
import { createLogger } from '../src/node/logger.ts'
import { createServiceNode, type ServiceNode } from '../src/node/service-node.ts'

const READY_POLL_MS = 250

/** A service node inside this process: cheaper to start, but all share one event loop and end together. */
export class InProcessNode implements AsyncDisposable {
  readonly #run: { configPath: string; logPath: string }
  #starting: Promise<ServiceNode> | undefined

  constructor(run: { configPath: string; logPath: string }) {
    this.#run = run
  }

  get pid(): number {
    return process.pid
  }

  get ended(): Promise<unknown> {
    return Promise.resolve()
  }

  get running(): boolean {
    return this.#starting !== undefined
  }

  start(): void {
    const { node, log } = parseServiceNodeArgs(argumentsOf(this.#run.configPath))
    const logger = createLogger(log, createWriteStream(this.#run.logPath, { flags: 'a' }))
    this.#starting = createServiceNode({ log: logger }, node)
    // Whoever waits for it to be ready is told.
    this.#starting.catch(() => {})
  }

  async ready(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    const node = await this.#starting
    while (node !== undefined && node.status().notReady.length > 0) {
      if (performance.now() > deadline) {
        throw new Error(`A node is not ready after ${timeoutMs} ms: ${JSON.stringify(node.status().notReady)}`)
      }
      await delay(READY_POLL_MS)
    }
  }

  async stop(): Promise<number | null> {
    const starting = this.#starting
    this.#starting = undefined
    await (await starting?.catch(() => undefined))?.[Symbol.asyncDispose]()
    return 0
  }

  logTail(): string {
    return readFileSync(this.#run.logPath, 'utf8').slice(-4096)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** What `starling run --config` makes of the file. */
function argumentsOf(configPath: string): ServiceNodeArgs {
  const file = readConfigurationFile(configPath)
  const defaults = Object.entries(serviceNodeFlags).map(([name, flag]) => [name, flag.default])
  return { ...Object.fromEntries(defaults), ...readNetworkPreset(String(file['network'])), ...file } as ServiceNodeArgs
}
