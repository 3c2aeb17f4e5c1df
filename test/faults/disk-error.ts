// node test/faults/disk-error.ts [last n]: lets the n-th flush or write of the message database fail, n = 1 to 40, and holds against the store that it
// acknowledges nothing from then on, says so, and has all that it acknowledged when it is opened again. strace makes the calls fail.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SKIPPED } from './skipped.ts'

const PROGRAM = join(import.meta.dirname, 'storing-program.ts')
/** Eight at a time share a flush, so this makes more than forty. */
const MESSAGES = 480
const RUN_MAX_MS = 60_000

/** What fails, and how. A disk that is full stays so. */
const FAULTS = [
  { call: 'fdatasync', error: 'EIO', when: (n: number) => `${n}` },
  { call: 'fsync', error: 'EIO', when: (n: number) => `${n}` },
  { call: 'write', error: 'EIO', when: (n: number) => `${n}` },
  { call: 'write', error: 'ENOSPC', when: (n: number) => `${n}+` },
] as const
/** Files of a new database that are written to. */
const FILES = [
  'MANIFEST-000001',
  'MANIFEST-000002',
  '000001.dbtmp',
  '000002.dbtmp',
  '000003.log',
  '000004.log',
  '000005.ldb',
]

const last = Number(process.argv[2] ?? 40)
const failures: string[] = []
let [runs, hit, acknowledged] = [0, 0, 0]
if (spawnSync('strace', ['-V']).status !== 0) {
  console.error('SKIPPED: strace is not there (Debian: apt-get install strace)')
  process.exitCode = SKIPPED
} else {
  for (const fault of FAULTS) {
    for (let n = 1; n <= last; n++) oneRun(fault, n)
    console.log(
      `${fault.call} ${fault.error}: ${runs} runs, ${hit} hit, ${acknowledged} acknowledged, ${failures.length} failures`,
    )
  }
  for (const failure of failures) console.error(failure)
  console.log(`${runs} runs, ${hit} with a fault: ${acknowledged} acknowledged, ${failures.length} broken promises`)
  process.exitCode = failures.length === 0 && hit > 0 ? 0 : 1
}

function oneRun({ call, error, when }: (typeof FAULTS)[number], n: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'starling-disk-error-'))
  try {
    const database = join(folder, 'messages')
    const log = join(folder, 'strace.log')
    const paths = [database, ...FILES.map((name) => join(database, name))].flatMap((path) => ['-P', path])
    const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=${when(n)}`, ...paths]
    const program = [process.execPath, PROGRAM, 'flushed', database, String(MESSAGES)]
    const run = spawnSync('strace', ['-f', '-qq', '-o', log, ...inject, ...program], options())
    const isHit = readFileSync(log, 'utf8').includes('INJECTED')
    const kept = namesIn(run.stdout, 'acknowledged')
    const held = namesIn(spawnSync(process.execPath, [PROGRAM, 'tell', database], options()).stdout, 'held')
    const name = `${call} ${error} ${n}`
    runs++
    if (isHit) hit++
    acknowledged += kept.length
    const stopped = run.status !== 0 || run.stdout.includes('not writable')
    if (isHit && !stopped) failures.push(`${name}: goes on as if nothing had happened`)
    if (isHit && kept.length >= MESSAGES) failures.push(`${name}: acknowledged everything`)
    if (!isHit && kept.length !== MESSAGES) failures.push(`${name}: refused without a fault: ${run.stdout.slice(-200)}`)
    const missing = kept.filter((each) => !held.includes(each))
    if (missing.length > 0) failures.push(`${name}: lost ${missing.length} of ${kept.length} acknowledged messages`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function options() {
  return { encoding: 'utf8', timeout: RUN_MAX_MS, maxBuffer: 64 * 1024 * 1024 } as const
}

function namesIn(printed: string, what: string): string[] {
  return [...printed.matchAll(new RegExp(`^${what} (\\S+)`, 'gm'))].map(([, name]) => name ?? '')
}
