import { isDeepStrictEqual } from 'node:util'
import type { Logger } from '../../base/logger.ts'
import { type Reload, refusalText } from '../../node/reload.ts'
import { reloadingFields, type SupervisorNotice } from '../../node/supervisor-notice.ts'
import { serviceNodeFlags } from '../options/service-node.ts'
import { type Configuration, type ConfigurationSource, readConfiguration } from './configuration.ts'
import { describeProblem } from './problem.ts'

/** What a node was started with, and what it was read from. */
export interface ConfigurationStart {
  readonly source: ConfigurationSource
  readonly started: Configuration
}

export interface ReloaderComponents {
  readonly log: Logger
  readonly reload: Pick<Reload, 'apply' | 'refuse'>
  /** Wants to know when it begins and ends. */
  readonly notice?: Pick<SupervisorNotice, 'tell'> | undefined
}

/** What was changed of a configuration. */
export interface ConfigurationChange {
  /** Options that a running node takes anew. */
  readonly applied: readonly string[]
  /** Options that count from the next start on. */
  readonly waiting: readonly string[]
}

const flags: Readonly<Record<string, { readonly reloads?: true }>> = serviceNodeFlags

/** Reads the configuration of a running node again, whenever it is told to, and keeps the old one if the new one is not valid. */
export class Reloader {
  readonly #log: Logger
  readonly #reload: ReloaderComponents['reload']
  readonly #notice: ReloaderComponents['notice']
  readonly #source: ConfigurationSource
  /** What the node was started with, or has taken since. */
  #running: ReadonlyMap<string, unknown>
  #work: Promise<void> = Promise.resolve()

  constructor({ log, reload, notice }: ReloaderComponents, { source, started }: ConfigurationStart) {
    this.#log = log
    this.#reload = reload
    this.#notice = notice
    this.#source = source
    this.#running = valuesOf(started)
  }

  /** One after another; never rejects. */
  readAgain(): Promise<void> {
    this.#work = this.#work.then(async () => {
      this.#notice?.tell(reloadingFields())
      await this.#readAgain()
      this.#notice?.tell({ READY: '1' })
    })
    return this.#work
  }

  async #readAgain(): Promise<void> {
    try {
      const configuration = await readConfiguration(this.#source)
      const { options, problems } = configuration
      if (options === undefined) return this.#refuse(problems.map(describeProblem))
      const values = valuesOf(configuration)
      const { applied, waiting } = changesBetween(this.#running, values)
      await this.#reload.apply(options, waiting)
      this.#running = new Map([...this.#running, ...applied.map((name) => [name, values.get(name)] as const)])
      this.#log.info(
        { applied, waiting },
        SENTENCES[waiting.length > 0 ? 'waiting' : applied.length > 0 ? 'applied' : 'same'],
      )
    } catch (error) {
      this.#log.warn({ error }, REFUSED)
      this.#reload.refuse(refusalText(error))
    }
  }

  #refuse(problems: readonly string[]): void {
    this.#log.warn({ problems }, REFUSED)
    const [first = '', ...others] = problems
    this.#reload.refuse(others.length === 0 ? first : `${first} (and ${others.length} more)`)
  }
}

const REFUSED = 'The configuration was refused when it was read again: the node goes on with the one before'
const SENTENCES = {
  same: 'The configuration was read again and is the same',
  applied: 'The configuration was read again, and what has changed counts from now on',
  waiting: 'The configuration was read again; what is waiting counts from the next start on',
}

export function changesBetween(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): ConfigurationChange {
  const names = [...new Set([...before.keys(), ...after.keys()])]
  const changed = names.filter((name) => !isDeepStrictEqual(before.get(name), after.get(name)))
  const [applied, waiting] = [true, false].map((wanted) =>
    changed.filter((name) => (flags[name]?.reloads === true) === wanted),
  )
  return { applied: applied ?? [], waiting: waiting ?? [] }
}

function valuesOf({ values }: Configuration): ReadonlyMap<string, unknown> {
  return new Map([...values].map(([name, { value }]) => [name, value]))
}
