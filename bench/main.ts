// Runs every benchmark (or those whose names are given) and prints ratios; times alone would say nothing, since machines differ.
import { globSync } from 'node:fs'
import { type Benchmark, type Ratio, shareOf, type Unit } from './ratio.ts'

/** How a measure is written. */
const WRITTEN: Readonly<Record<Unit, (value: number) => string>> = {
  'per second': (rate) => `${Math.round(rate).toLocaleString('en')}/s`,
  ms: (time) => `${time.toFixed(1)} ms`,
  'CPU s': (time) => `${time.toFixed(2)} s of processor time`,
  requests: (count) => `${count} requests`,
  MiB: (size) => `${size.toFixed(1)} MiB`,
}

const wanted = process.argv.slice(2)
const files = globSync('*.bench.ts', { cwd: import.meta.dirname }).sort()
const all: Ratio[] = []

for (const file of files) {
  if (wanted.length > 0 && !wanted.some((name) => file.startsWith(name))) continue
  const { benchmark } = (await import(`./${file}`)) as { benchmark: Benchmark }
  console.error(`Running ${benchmark.name} …`)
  for (const ratio of await benchmark.run()) {
    all.push(ratio)
    console.log(line(ratio))
  }
}
if (all.length === 0) {
  console.error(`No benchmark is named ${wanted.join(', ')}. There are: ${files.join(', ')}`)
  process.exitCode = 2
}

function line(ratio: Ratio): string {
  const { name, ours, limitName, limit, unit = 'per second', goal } = ratio
  const share = shareOf(ratio)
  const verdict = share >= goal ? 'reaches' : 'misses'
  return `${name}: ${WRITTEN[unit](ours)} against ${WRITTEN[unit](limit)} of ${limitName}: ${share.toFixed(2)} (${verdict} the goal of ${goal})`
}
