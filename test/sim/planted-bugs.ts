// node test/sim/planted-bugs.ts [name …]: plants one bug after the other in a copy of the code and sees within how many seeds the simulator finds it. A
// simulator that finds nothing proves nothing.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const SEEDS_MAX = 1_000
const COPIED = ['src', 'test/sim', 'test/support', 'test/unit/swarm/member-lists.ts', 'package.json']

interface PlantedBug {
  readonly name: string
  readonly file: string
  /** Stands there once. */
  readonly code: string
  readonly bug: string
}

const BUGS: readonly PlantedBug[] = [
  {
    name: 'dropped tombstone',
    file: 'src/storage/record-change.ts',
    code: 'if (!mayRemember(batch, entry, context.circumstances)) return undefined',
    bug: 'if (before !== undefined) return undefined',
  },
  {
    name: 'lost cursor: the first page of a join is taken for all',
    file: 'src/swarm/join-pull.ts',
    code: 'job.advance(arc, { first, last, after: cursor, done: !more })\n      if (!more) break',
    bug: 'job.advance(arc, { first, last, after: cursor, done: true })\n      break',
  },
  {
    name: 'acknowledged before the flush',
    file: 'src/storage/write-batch.ts',
    code: 'return batch.write({ sync: true })',
    bug: 'return batch.write({ sync: false })',
  },
  {
    name: 'off by one: no overlap of epochs',
    file: 'src/swarm/membership.ts',
    code: 'return isServedAt(current, space) || isServedAt(previous, space)',
    bug: 'return isServedAt(current, space)',
  },
  {
    name: 'off by one: the last slot is never compared',
    file: 'src/swarm/contents-buckets.ts',
    code: 'const slots = theirs.map((_, slot) => slot)',
    bug: 'const slots = theirs.map((_, slot) => slot).slice(0, -1)',
  },
  {
    name: 'deletions leave nothing in the log',
    file: 'src/storage/request-log.ts',
    code: 'if (request === undefined || requestExpiryMs(stamp) <= circumstances.nowMs) return',
    bug: 'return',
  },
  {
    name: 'what is fetched counts as stored now',
    file: 'src/storage/adoption.ts',
    code: 'if (storeMessage(batch, message, stamp, circumstances)',
    bug: 'if (storeMessage(batch, message, batch.totals.newestStamp + 1, circumstances)',
  },
  {
    name: 'a node that joins calls itself complete at once',
    file: 'src/swarm/joining.ts',
    code: 'return this.#state.complete.has(swarmSpaceOf(account)) || this.#lenient()',
    bug: 'return true',
  },
  {
    name: 'what has expired is still read',
    file: 'src/storage/retrieval.ts',
    code: 'if (row.expiryMs <= nowMs) continue',
    bug: '',
  },
]

const wanted = process.argv.slice(2)
let isGood = true
for (const bug of BUGS) {
  if (wanted.length > 0 && !wanted.some((name) => bug.name.includes(name))) continue
  const { found, said } = findIn(bug)
  isGood &&= found
  console.log(`${found ? 'found' : 'NOT FOUND'}: ${bug.name}: ${said}`)
}
process.exitCode = isGood ? 0 : 1

function findIn({ file, code, bug }: PlantedBug): { found: boolean; said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'starling-planted-'))
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(folder, path), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    const right = readFileSync(join(folder, file), 'utf8')
    if (right.split(code).length !== 2) throw new Error(`This does not stand once in ${file}: ${code}`)
    writeFileSync(
      join(folder, file),
      right.replace(code, () => bug),
    )
    const run = spawnSync(process.execPath, ['test/sim/main.ts', '--seeds', String(SEEDS_MAX), '--until-failure'], {
      cwd: folder,
      encoding: 'utf8',
    })
    const lines = run.stdout.trim().split('\n')
    return { found: run.status === 1 && lines.length > 1, said: [lines.at(-1), lines[0]].join('; ').slice(0, 300) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
