import type { TimestampMs } from '../../base/clock.ts'
import { counted, duration, percent } from '../../base/figures.ts'
import type { SwarmFacts } from '../../node/status.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { configurationNotes, nodeAt, nodePlaceOf } from './node-place.ts'
import type { NodePlaceArgs } from './options.ts'
import { peerLines } from './peers.ts'

/** The swarm of the running node, and how far its members hold the same. */
export async function showSwarm(args: NodePlaceArgs): Promise<CommandOutcome> {
  const place = nodePlaceOf(args)
  const told = await nodeAt(place).swarm(new AbortController().signal)
  const { swarm, members, takenAtMs, handOverLeft } = told
  const lines = [
    ...swarmLines(swarm, handOverLeft, takenAtMs),
    '',
    ...peerLines(members, takenAtMs),
    ...configurationNotes(place),
  ]
  return { result: { ...told }, lines }
}

function swarmLines(
  { id, members, arc, swarms, fetchedShare, isLenient, comparison, hintsQueued, isHandingOver }: SwarmFacts,
  handOverLeft: number,
  nowMs: TimestampMs,
): readonly string[] {
  if (id === null) return ['This node is in no swarm: it is not in the service node list, or there is none yet.']
  return [
    `Swarm ${id}, one of ${swarms}, with ${counted(members, 'member')}`,
    `Accounts   ${arc === null ? 'none' : `${arc.first} to ${arc.last} of the ring`}`,
    `Fetched    ${fetchedText(fetchedShare, isLenient)}`,
    `Compared   ${comparedText(comparison, nowMs)}`,
    `Handed over ${isHandingOver ? `not all yet: ${counted(handOverLeft, 'account')} left at the last look` : 'all that is not its own'}`,
    `Waiting    ${counted(hintsQueued, 'request')} for members that did not take them`,
  ]
}

function fetchedText(share: number | null, isLenient: boolean): string {
  if (share === null) return 'not begun'
  if (share === 1) return 'all'
  return `${percent(share)}${isLenient ? '; it answers with what it has, for nobody could be asked for the rest' : ''}`
}

function comparedText(comparison: SwarmFacts['comparison'], nowMs: TimestampMs): string {
  if (comparison === null) return 'not yet'
  const { equal, differing, silent, apart, lastEqualMs } = comparison
  const last = lastEqualMs === null ? 'never all equal so far' : `all equal ${duration(nowMs - lastEqualMs)} ago`
  return `${equal} equal, ${differing} differ, ${silent} silent, ${apart} in another epoch or not ready; ${last}`
}
