// node test/sim/main.ts [--seeds 10000] [--first 1] [--jobs 2] [--until-failure]: runs simulated networks, one from each seed, and says which went wrong.
// The same seed does the same again, so a failure is looked at with --first SEED --seeds 1.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Verdict, World } from './world.ts'

// Stack traces of expected errors are half of what they cost.
Error.stackTraceLimit = 0

type Report = Verdict & { readonly seed: number }

const PROGRESS_MS = 10_000
/** Of each seed that failed, and of all of them. */
const FAULTS_SHOWN = 4
const SEEDS_SHOWN = 10

/** Node keeps what listens to combined signals that never end, as those of a killed process: so a worker ends after so many seeds, and its memory with it. */
const SEEDS_A_WORKER = 400

if (isMainThread) process.exitCode = await main()
else await runSeeds(workerData as SeedRange)

interface SeedRange {
  readonly first: number
  readonly end: number
}

async function runSeeds({ first, end }: SeedRange): Promise<void> {
  for (let seed = first; seed < end; seed++) {
    parentPort?.postMessage({ seed, ...(await new World(seed).run()) } satisfies Report)
  }
}

async function main(): Promise<number> {
  const number = { type: 'string' } as const
  const { values } = parseArgs({
    options: { seeds: number, first: number, jobs: number, 'until-failure': { type: 'boolean' } },
  })
  const seeds = Number(values.seeds ?? 200)
  const first = Number(values.first ?? 1)
  const jobs = Math.min(seeds, Number(values.jobs ?? availableParallelism()))
  const started = performance.now()
  const failed: Report[] = []
  let [done, acknowledged, held, gone, slowestMs] = [0, 0, 0, 0, 0]
  const progress = setInterval(() => console.error(`${done} of ${seeds} seeds`), PROGRESS_MS)
  const note = (report: Report) => {
    done++
    acknowledged += report.acknowledged
    held += report.heldChecked
    gone += report.goneChecked
    slowestMs = Math.max(slowestMs, report.equalAfterMs ?? 0)
    if (report.faults.length === 0) return
    failed.push(report)
    if (failed.length <= SEEDS_SHOWN)
      console.log(`seed ${report.seed}: ${report.faults.slice(0, FAULTS_SHOWN).join('; ')}`)
    if (!values['until-failure']) return
    next = end
    for (const worker of workers) void worker.terminate()
  }
  const end = first + seeds
  let next = first
  const workers = new Set<Worker>()
  const runJob = async () => {
    while (next < end) {
      const range: SeedRange = {
        first: next,
        end: Math.min(end, next + Math.min(SEEDS_A_WORKER, Math.ceil(seeds / jobs))),
      }
      next = range.end
      const worker = new Worker(new URL(import.meta.url), { workerData: range })
      workers.add(worker)
      await untilEnd(worker, note)
      workers.delete(worker)
    }
  }
  await Promise.all(Array.from({ length: jobs }, runJob))
  clearInterval(progress)
  const seconds = (performance.now() - started) / 1000
  console.log(
    `${done} seeds in ${seconds.toFixed(0)} s, ${failed.length} failed; ${acknowledged} requests acknowledged, ` +
      `${held} messages had to be there and ${gone} not, members equal after ${slowestMs / 1000} s at most`,
  )
  return failed.length === 0 && done > 0 ? 0 : 1
}

function untilEnd(worker: Worker, note: (report: Report) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', note)
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })
}
