// What goes wrong: machines die, lose their disks, their clocks run wrong, wires are cut, and service nodes come and go.
import { SECOND } from '../../src/base/clock.ts'
import type { Machine } from './machine.ts'
import { SKEW_MAX_MS, TROUBLE_MS, type World } from './world.ts'

type Fault = (world: World) => void

/** How often each is chosen, against the others. */
const FAULTS: readonly (readonly [share: number, fault: Fault])[] = [
  [6, crash],
  [2, crashAll],
  [3, partition],
  [2, cutOneWay],
  [1, flap],
  [2, skewClock],
  [1, wipe],
  [2, join],
  [1, leave],
]

export function planFaults(world: World): void {
  const { chance, time } = world
  const kinds = FAULTS.flatMap(([share, fault]) => Array.from({ length: share }, () => fault))
  for (let left = chance.below(6); left > 0; left--) {
    const fault = chance.pick(kinds)
    time.after(chance.below(TROUBLE_MS - 10 * SECOND), () => fault(world))
  }
}

function crash(world: World): void {
  crashOne(world, world.chance.pick([...world.listed]))
}

function crashAll(world: World): void {
  for (const machine of world.listed) crashOne(world, machine)
}

function crashOne(world: World, machine: Machine): void {
  machine.crash()
  startLater(world, machine)
}

function startLater(
  world: World,
  machine: Machine,
  start: (machine: Machine) => Promise<void> = (each) => world.start(each),
): void {
  world.time.after(world.chance.below(30 * SECOND), () => start(machine))
}

function partition(world: World): void {
  const { chance, machines, network } = world
  const side = new Set(machines.filter(() => chance.below(2) === 0))
  for (const a of machines) for (const b of machines) if (side.has(a) !== side.has(b)) network.cut(a.key, b.key)
  healLater(world)
}

function cutOneWay(world: World): void {
  const { chance, machines, network } = world
  const from = chance.pick(machines)
  for (const to of machines) if (chance.below(2) === 0) network.cut(from.key, to.key)
  healLater(world)
}

/** On and off, a second each. */
function flap(world: World): void {
  const { chance, machines, network, time } = world
  const one = chance.pick(machines)
  for (let second = 0; second < 20; second += 2) {
    time.after(second * SECOND, () => {
      for (const other of machines) {
        network.cut(one.key, other.key)
        network.cut(other.key, one.key)
      }
    })
    time.after((second + 1) * SECOND, () => network.heal())
  }
}

function healLater({ chance, network, time }: World): void {
  time.after(chance.below(40 * SECOND), () => network.heal())
}

function skewClock(world: World): void {
  const { chance } = world
  const machine = chance.pick(world.machines)
  machine.wall.skewMs = chance.below(SKEW_MAX_MS) - SKEW_MAX_MS / 2
  world.skewMs = SKEW_MAX_MS
}

/** Few enough that of what was acknowledged a majority survives. */
function wipe(world: World): void {
  const { listed, machines } = world
  if (machines.some(({ isWiped }) => isWiped)) return
  const machine = world.chance.pick([...listed])
  machine.loseDisk()
  startLater(world, machine, (each) => world.startEmpty(each))
}

function join(world: World): void {
  const machine = world.machines.find((each) => !world.listed.has(each) && !each.hasLeft)
  if (machine === undefined) return
  world.listed.add(machine)
  startLater(world, machine, (each) => world.startEmpty(each))
}

/** It goes on running until its swarm has what it held. */
function leave(world: World): void {
  const { listed } = world
  if (listed.size <= 5) return
  const machine = world.chance.pick([...listed])
  machine.hasLeft = true
  listed.delete(machine)
}
