import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../devnet/free-port.ts'
import { SECOND } from '../../src/base/clock.ts'
import { eventually } from '../support/eventually.ts'

const ADDRESS = '127.0.0.1'
const START_MAX_MS = 30 * SECOND

export interface FiringAlert {
  readonly name: string
  readonly instance: string
}

export interface RangeQuery {
  readonly expression: string
  readonly startS: number
  readonly endS: number
  readonly stepS: number
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** Unix seconds and values. */
  readonly points: readonly (readonly [timeS: number, value: number])[]
}

/** A real Prometheus of its own, on a free port of loopback. Disposal ends it. */
export class Prometheus implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #url: string
  readonly #targetsFile: string

  private constructor(child: ChildProcess, url: string, targetsFile: string) {
    this.#child = child
    this.#url = url
    this.#targetsFile = targetsFile
  }

  /** Why there is none on this machine; undefined when there is. */
  static obstacle(): string | undefined {
    const { status } = spawnSync('prometheus', ['--version'])
    return status === 0 ? undefined : 'Prometheus is not there (Debian: apt-get install prometheus)'
  }

  static async start(folder: string, { rules, everyS }: { rules?: string; everyS: number }): Promise<Prometheus> {
    mkdirSync(folder, { recursive: true })
    const targetsFile = join(folder, 'targets.json')
    writeFileSync(targetsFile, '[]')
    if (rules !== undefined) writeFileSync(join(folder, 'alerts.yml'), rules)
    const interval = `${everyS}s`
    const configuration = {
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      ...(rules !== undefined && { rule_files: ['alerts.yml'] }),
      scrape_configs: [{ job_name: 'starling', file_sd_configs: [{ files: [targetsFile], refresh_interval: '1s' }] }],
    }
    const configFile = join(folder, 'prometheus.yml')
    writeFileSync(configFile, JSON.stringify(configuration))
    const address = `${ADDRESS}:${await freePort(ADDRESS)}`
    const child = spawn(
      'prometheus',
      [
        ...['--config.file', configFile, '--storage.tsdb.path', join(folder, 'data')],
        ...['--web.listen-address', address, '--log.level', 'error'],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    // Nothing of it stays when this program ends early.
    process.once('exit', () => child.kill('SIGKILL'))
    const prometheus = new Prometheus(child, `http://${address}`, targetsFile)
    try {
      const isReady = async () => ((await fetch(`http://${address}/-/ready`)).ok ? true : undefined)
      await eventually('Prometheus is ready', isReady, START_MAX_MS)
      return prometheus
    } catch (error) {
      await prometheus[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Whom it scrapes from now on: addresses, and what they are called. */
  scrape(targets: ReadonlyMap<string, string>): void {
    const draft = `${this.#targetsFile}.new`
    const groups = [...targets].map(([address, instance]) => ({ targets: [address], labels: { instance } }))
    writeFileSync(draft, JSON.stringify(groups))
    renameSync(draft, this.#targetsFile)
  }

  async firing(): Promise<readonly FiringAlert[]> {
    const { alerts } = await this.#ask<{ alerts: { state: string; labels: Record<string, string> }[] }>('alerts', {})
    return alerts
      .filter(({ state }) => state === 'firing')
      .map(({ labels }) => ({ name: labels['alertname'] ?? '', instance: labels['instance'] ?? '' }))
  }

  /** What an expression gives now. */
  async values(expression: string): Promise<readonly Series[]> {
    const { result } = await this.#ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      'query',
      { query: expression },
    )
    return result.map(({ metric, value: [timeS, value] }) => ({ labels: metric, points: [[timeS, Number(value)]] }))
  }

  async range({ expression, startS, endS, stepS }: RangeQuery): Promise<readonly Series[]> {
    const { result } = await this.#ask<{ result: { metric: Record<string, string>; values: [number, string][] }[] }>(
      'query_range',
      { query: expression, start: String(startS), end: String(endS), step: String(stepS) },
    )
    return result.map(({ metric, values }) => ({
      labels: metric,
      points: values.map(([timeS, value]) => [timeS, Number(value)] as const),
    }))
  }

  async #ask<T>(what: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const reply = await fetch(`${this.#url}/api/v1/${what}?${new URLSearchParams(parameters)}`)
    const answer = (await reply.json()) as { status: string; error?: string; data: T }
    if (answer.status !== 'success') throw new Error(`Prometheus refuses a question: ${answer.error}`)
    return answer.data
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}
