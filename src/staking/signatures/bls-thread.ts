import { Worker } from 'node:worker_threads'
import type { DurationMs } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { StakingError } from '../errors.ts'
import type { BlsResults, BlsTask } from './bls-task.ts'
import type { SignatureOptions } from './options.ts'

/** Does BLS work in a thread of its own: signing takes some 20 ms, and telling false signatures from 2,000 right ones seconds. */
export interface BlsThread extends AsyncDisposable {
  /**
   * Waits its turn, no longer than the time that a task may take, turn included.
   * @throws {StakingError} SIGNATURES_BUSY, SIGNATURE_WORK_FAILED
   */
  run<Kind extends BlsTask['kind']>(
    task: Extract<BlsTask, { kind: Kind }>,
    signal?: AbortSignal,
  ): Promise<BlsResults[Kind]>
}

export type BlsThreadOptions = Pick<SignatureOptions, 'blsTasksMax' | 'blsTaskTimeoutMs'> & {
  /** The file that the thread runs. */
  readonly workerFile?: URL
}

/** The thread is started by the first task; one that crashes or hangs is replaced for the next. */
export function createBlsThread(components: { readonly log: Logger }, options: BlsThreadOptions): BlsThread {
  return new QueuedThread(components, options)
}

interface Job {
  readonly task: BlsTask
  /** What is under way is watched to its end, even when nobody waits for it any more: a thread that hangs must be replaced. */
  readonly timer: NodeJS.Timeout
  settle(result: unknown): void
  fail(error: unknown): void
}

/** The file has the ending of this one: .ts where Node strips types, .js in the built package. */
const WORKER_FILE = new URL(`./bls-worker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)
/** Two thousand signatures take a tenth of it. */
const HEAP_MAX_MB = 256

class QueuedThread implements BlsThread {
  readonly #log: Logger
  readonly #options: BlsThreadOptions
  /** The first one is under way. */
  readonly #jobs: Job[] = []
  #worker: Worker | undefined
  #isDisposed = false

  constructor({ log }: { readonly log: Logger }, options: BlsThreadOptions) {
    this.#log = log
    this.#options = options
  }

  run<Kind extends BlsTask['kind']>(
    task: Extract<BlsTask, { kind: Kind }>,
    signal?: AbortSignal,
  ): Promise<BlsResults[Kind]> {
    if (this.#isDisposed) return Promise.reject(disposed())
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (this.#jobs.length >= this.#options.blsTasksMax) return Promise.reject(busy())
    const { promise, resolve, reject } = Promise.withResolvers<BlsResults[Kind]>()
    // One task at a time, so an answer is to the task that was asked.
    const job: Job = {
      task,
      timer: setTimeout(() => this.#timeOut(job), timeoutOf(task, this.#options.blsTaskTimeoutMs)),
      settle: (result) => resolve(result as BlsResults[Kind]),
      fail: reject,
    }
    const leave = () => this.#leave(job, signal?.reason)
    signal?.addEventListener('abort', leave, { once: true })
    this.#jobs.push(job)
    if (this.#jobs.length === 1) this.#next()
    return promise.finally(() => signal?.removeEventListener('abort', leave))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    while (this.#jobs.length > 0) this.#finished()?.fail(disposed())
    this.#worker?.removeAllListeners()
    await this.#worker?.terminate()
  }

  #next(): void {
    const [job] = this.#jobs
    // A thread without work keeps no process alive.
    if (job === undefined) return void this.#worker?.unref()
    this.#worker ??= this.#start()
    this.#worker.ref()
    this.#worker.postMessage(job.task)
  }

  #start(): Worker {
    const worker = new Worker(this.#options.workerFile ?? WORKER_FILE, {
      name: 'bls',
      // What the process was started with may not be for threads.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB },
    })
    worker.on('message', (result: unknown) => {
      this.#finished()?.settle(result)
      this.#next()
    })
    worker.on('error', (error) => {
      this.#log.debug({ error }, 'The thread for BLS signatures threw')
      this.#replace('crashed')
    })
    worker.on('exit', () => this.#replace('ended'))
    return worker
  }

  /** Ends the thread, and with it the task that it is at. */
  #replace(why: string): void {
    const worker = this.#worker
    this.#worker = undefined
    worker?.removeAllListeners()
    // Errors of a thread that is being ended are of no interest, but must find a listener.
    worker?.on('error', () => {})
    void worker?.terminate()
    const job = this.#finished()
    this.#log.warn({ task: job?.task.kind, why }, 'The thread for BLS signatures failed and is replaced')
    job?.fail(new StakingError('SIGNATURE_WORK_FAILED', `The thread for BLS signatures ${why}`))
    this.#next()
  }

  /** Takes the first job off. */
  #finished(): Job | undefined {
    const job = this.#jobs.shift()
    clearTimeout(job?.timer)
    return job
  }

  #timeOut(job: Job): void {
    if (this.#jobs[0] === job) this.#replace('took too long')
    else this.#leave(job, busy())
  }

  /** What is under way is let end, for a thread costs more than a task; only nobody waits for it any more. */
  #leave(job: Job, reason: unknown): void {
    const at = this.#jobs.indexOf(job)
    if (at > 0) {
      this.#jobs.splice(at, 1)
      clearTimeout(job.timer)
    }
    job.fail(reason)
  }
}

/** A collection brings a budget of its own, and what is told apart within it must not be lost. */
function timeoutOf(task: BlsTask, timeoutMs: DurationMs): DurationMs {
  return task.kind === 'collect' ? timeoutMs + task.budgetMs : timeoutMs
}

function busy(): StakingError {
  return new StakingError('SIGNATURES_BUSY', 'Too many BLS signatures wait to be computed')
}

function disposed(): StakingError {
  return new StakingError('SIGNATURE_WORK_FAILED', 'The thread for BLS signatures has been stopped')
}
