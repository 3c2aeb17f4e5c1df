import { access, constants, mkdir, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, DurationMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { OnionRelayError } from './errors.ts'
import type { OnionRelayMetrics } from './metrics.ts'
import type { ReplayGuardOptions } from './options.ts'
import { ReplayLog, type ReplayLogContent, readReplayLog } from './replay-log.ts'
import { ReplayTags } from './replay-tags.ts'

export interface ReplayGuardComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: OnionRelayMetrics
}

/** Remembers the tags of opened layers, over a restart too. */
export interface ReplayGuard extends AsyncDisposable {
  /** Whether the tag is new. Settles when it has been handed to the operating system, so that a crash does not forget it. */
  admit(tag: Uint8Array): Promise<boolean>
}

/** The tags of one window. Two are kept, the one being filled and the one before, so each tag stays for a window at least. */
interface Generation {
  readonly number: number
  /** By the monotonic clock. */
  readonly startedMs: DurationMs
  readonly tags: ReplayTags
  readonly file: ReplayLog
}

/** @throws {OnionRelayError} REPLAY_LOG_UNUSABLE */
export async function openReplayGuard(
  components: ReplayGuardComponents,
  options: ReplayGuardOptions,
): Promise<ReplayGuard> {
  try {
    await mkdir(options.folder, { recursive: true, mode: 0o700 })
    await access(options.folder, constants.R_OK | constants.W_OK)
    const generations = await loadGenerations(components, options)
    return new TwoWindowReplayGuard(components, options, generations)
  } catch (cause) {
    throw new OnionRelayError('REPLAY_LOG_UNUSABLE', 'The folder for replay tags cannot be used', { cause })
  }
}

class TwoWindowReplayGuard implements ReplayGuard {
  readonly #components: ReplayGuardComponents
  readonly #options: ReplayGuardOptions
  #current: Generation
  #previous: Generation | undefined
  /** Settles when the files of all past windows are gone. */
  #removals: Promise<void> = Promise.resolve()

  /** `generations` from disk, oldest first. */
  constructor(components: ReplayGuardComponents, options: ReplayGuardOptions, generations: readonly Generation[]) {
    this.#components = components
    this.#options = options
    const [last, beforeLast] = generations.toReversed()
    this.#current = last ?? beginGeneration(components, options, 1)
    this.#previous = beforeLast
    this.#report()
  }

  async admit(tag: Uint8Array): Promise<boolean> {
    this.#rotateWhenDue()
    if (this.#previous?.tags.has(tag) === true || !this.#current.tags.add(tag)) return false
    this.#report()
    await this.#current.file.append(tag)
    return true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current.file[Symbol.asyncDispose]()
    await this.#previous?.file[Symbol.asyncDispose]()
    await this.#removals
  }

  #rotateWhenDue(): void {
    const { clock, metrics, log } = this.#components
    const { windowMs, tagsMax } = this.#options
    const ageMs = clock.monotonicMs() - this.#current.startedMs
    const full = this.#current.tags.size >= tagsMax
    if (ageMs < windowMs && !full) return

    const past = this.#current
    this.#drop(this.#previous)
    this.#previous = past
    this.#current = beginGeneration(this.#components, this.#options, past.number + 1)
    // After a long silence the last window is too old to be of use.
    if (ageMs >= 2 * windowMs) {
      this.#drop(past)
      this.#previous = undefined
    }
    metrics.replayRotations.inc({ reason: full ? 'full' : 'age' })
    if (full) log.warn({ tagsMax, ageMs }, 'Onion requests are remembered for less time than set, there are so many')
  }

  #drop(generation: Generation | undefined): void {
    if (generation === undefined) return
    const removal = generation.file.remove()
    this.#removals = this.#removals.then(() => removal)
  }

  #report(): void {
    this.#components.metrics.replayTags.set(this.#current.tags.size + (this.#previous?.tags.size ?? 0))
  }
}

function beginGeneration(components: ReplayGuardComponents, options: ReplayGuardOptions, number: number): Generation {
  const { clock } = components
  return {
    number,
    startedMs: clock.monotonicMs(),
    tags: new ReplayTags(),
    file: openLog(components, options, number, { startMs: clock.nowMs() }),
  }
}

function openLog(
  { log, metrics }: ReplayGuardComponents,
  { folder }: ReplayGuardOptions,
  number: number,
  start: ConstructorParameters<typeof ReplayLog>[1],
): ReplayLog {
  let warned = false
  return new ReplayLog(join(folder, fileName(number)), start, (error) => {
    metrics.replayLogFailures.inc()
    if (!warned) log.warn({ error }, 'Replay tags cannot be written, so a restart will forget them')
    warned = true
  })
}

/** The windows on disk that are still of use, oldest first. Others' files are deleted. */
async function loadGenerations(
  components: ReplayGuardComponents,
  options: ReplayGuardOptions,
): Promise<readonly Generation[]> {
  const numbers = (await readdir(options.folder))
    .map(fileNumber)
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b)
  const generations: Generation[] = []
  for (const [index, number] of numbers.entries()) {
    const generation = index >= numbers.length - 2 ? await loadGeneration(components, options, number) : undefined
    if (generation === undefined) await unlink(join(options.folder, fileName(number)))
    else generations.push(generation)
  }
  return generations
}

async function loadGeneration(
  components: ReplayGuardComponents,
  options: ReplayGuardOptions,
  number: number,
): Promise<Generation | undefined> {
  const { clock, log } = components
  const content = await readReplayLog(join(options.folder, fileName(number)))
  if (content === undefined) {
    log.warn({ file: fileName(number) }, 'A file of replay tags was damaged and has been deleted')
    return undefined
  }
  // The wall clock may have been set back since.
  const ageMs = Math.max(0, clock.nowMs() - content.startMs)
  if (ageMs >= 2 * options.windowMs) return undefined
  return {
    number,
    startedMs: clock.monotonicMs() - ageMs,
    tags: tagsOf(content),
    file: openLog(components, options, number, { tagCount: content.tags.length }),
  }
}

function tagsOf({ tags }: ReplayLogContent): ReplayTags {
  const set = new ReplayTags()
  for (const tag of tags) set.add(tag)
  return set
}

function fileName(number: number): string {
  return `onion-replay-${number}.log`
}

function fileNumber(name: string): number | undefined {
  const digits = /^onion-replay-([1-9]\d{0,14})\.log$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
