// node test/faults/power-cut.ts [rounds] : cuts the power of a virtual machine while it stores messages, and sees after its next start whether all
// that it had acknowledged is there. In every fourth round it does not flush, and must lose something, or the test would show nothing.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createChance } from '../support/chance.ts'
import { SKIPPED } from './skipped.ts'
import { type MachineParts, makeDataDisk, makeMachineParts, obstacle, startMachine } from './virtual-machine.ts'

/** The machine is emulated: it takes this long to come up on a slow computer. */
const START_MAX_MS = 180_000
/** From the first acknowledgement to the cut. */
const STORING_MIN_MS = 200
const STORING_SPREAD_MS = 4_000
/** Of what the machine said last, when it went wrong. */
const CONSOLE_LINES = 20

const rounds = Number(process.argv[2] ?? 20)
const chance = createChance()
const why = obstacle()
if (why === undefined) process.exitCode = await run()
else {
  console.error(`SKIPPED: no virtual machine can be made here: ${why}`)
  process.exitCode = SKIPPED
}

async function run(): Promise<number> {
  console.log(`Seed ${chance.seed}, ${rounds} rounds`)
  const cache = join(tmpdir(), 'starling-power-cut')
  mkdirSync(cache, { recursive: true })
  const parts = await makeMachineParts(cache, join(import.meta.dirname, 'storing-program.ts'))
  const folder = mkdtempSync(join(tmpdir(), 'starling-power-cut-'))
  const disks = { flushed: join(folder, 'flushed.img'), unflushed: join(folder, 'unflushed.img') }
  for (const disk of Object.values(disks)) makeDataDisk(disk)
  const lost = { flushed: 0, unflushed: 0 }
  const acknowledged = { flushed: new Set<string>(), unflushed: new Set<string>() }
  try {
    for (let round = 1; round <= rounds; round++) {
      const mode = round % 4 === 0 ? 'unflushed' : 'flushed'
      const before = acknowledged[mode].size
      await storeUntilCut(parts, disks[mode], mode, acknowledged[mode])
      const held = await tell(parts, disks[mode])
      const missing = [...acknowledged[mode]].filter((name) => !held.has(name))
      lost[mode] += missing.length
      for (const name of missing) acknowledged[mode].delete(name)
      console.log(
        `round ${round} ${mode}: ${acknowledged[mode].size + missing.length - before} acknowledged, ${missing.length} lost`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const isShown = rounds < 4 || lost.unflushed > 0
  if (!isShown) console.error('Nothing was lost without flushing either: this shows nothing')
  console.log(
    `${rounds} power cuts: ${acknowledged.flushed.size} acknowledged with flushes, ${lost.flushed} lost; without: ${lost.unflushed} lost`,
  )
  return lost.flushed === 0 && isShown ? 0 : 1
}

async function storeUntilCut(
  parts: MachineParts,
  disk: string,
  mode: string,
  acknowledged: Set<string>,
): Promise<void> {
  const machine = startMachine(parts, disk, mode)
  const tooLong = setTimeout(() => void machine.cut(), START_MAX_MS)
  let isCutPlanned = false
  let seen = 0
  const last: string[] = []
  for await (const line of machine.lines) {
    keepLast(last, line)
    const [, name] = /^acknowledged (\S+)/.exec(line) ?? []
    if (name === undefined) continue
    acknowledged.add(name)
    seen++
    if (isCutPlanned) continue
    isCutPlanned = true
    // Chance decides when, not how long something takes.
    void delay(STORING_MIN_MS + chance.below(STORING_SPREAD_MS)).then(() => machine.cut())
  }
  clearTimeout(tooLong)
  await machine.cut()
  if (seen === 0) throw new Error(`The machine acknowledged nothing. It said:\n${last.join('\n')}`)
}

async function tell(parts: MachineParts, disk: string): Promise<Set<string>> {
  const machine = startMachine(parts, disk, 'tell')
  const tooLong = setTimeout(() => void machine.cut(), START_MAX_MS)
  const held = new Set<string>()
  let isWhole = false
  const last: string[] = []
  for await (const line of machine.lines) {
    keepLast(last, line)
    const [, name] = /^held (\S+)/.exec(line) ?? []
    if (name !== undefined) held.add(name)
    if (line.startsWith('told all')) {
      isWhole = true
      break
    }
  }
  clearTimeout(tooLong)
  await machine.cut()
  if (!isWhole) throw new Error(`After the cut, the database could not be read. The machine said:\n${last.join('\n')}`)
  return held
}

function keepLast(lines: string[], line: string): void {
  lines.push(line)
  if (lines.length > CONSOLE_LINES) lines.shift()
}
