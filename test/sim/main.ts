// node test/sim/main.ts [--seeds 10000] [--first 1]: runs simulated networks, a seed each, and says which went wrong.
import { World } from './world.ts'

const [first, count] = [Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 100)]
const started = performance.now()
let failed = 0
for (let seed = first; seed < first + count; seed++) {
  const verdict = await new World(seed).run()
  if (count === 1) console.log(verdict)
  if (verdict.faults.length > 0) {
    failed++
    if (failed <= 5) console.log(seed, verdict.faults.slice(0, 4))
  }
}
console.log(`${count} seeds, ${failed} failed, ${((performance.now() - started) / count).toFixed(1)} ms a seed`)
