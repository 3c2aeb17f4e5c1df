// The attacker of flood.ts, in a process of its own: node test/faults/flood-attacker.ts TARGET SECONDS NAME .... Prints how often it tried what.
import { setTimeout as delay } from 'node:timers/promises'
import { ATTACKS, type FloodTarget, run } from './flood-attacks.ts'

/** Loopback networks that attackers come from; nodes and honest clients have others. */
const FIRST_NETWORK = 100

const [, , target = '{}', seconds = '60', ...wanted] = process.argv
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const chosen = ATTACKS.map((attack, at) => ({ attack, network: FIRST_NETWORK + at })).filter(({ attack }) =>
  wanted.includes(attack.name),
)
void delay(Number(seconds) * 1000, undefined, { ref: false }).then(() => stop.abort())
const facts = JSON.parse(target) as FloodTarget
const counts = await Promise.all(chosen.map(({ attack, network }) => run(attack, network, facts, stop.signal)))
console.log(JSON.stringify(counts))
process.exit(0)
