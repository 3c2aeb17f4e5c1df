import type { Clock } from '../base/clock.ts'
import type { PeerTest } from '../protocol/peer-api/probe-report.ts'
import type { ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import type { MemberVerdicts } from './member-verdicts.ts'
import type { PeerTestsOptions } from './options.ts'

export interface TestChoiceComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** At least 0 and below 1. */
  readonly random: () => number
  readonly self: ServiceNodeKey
  readonly swarm: { members(): readonly { readonly key: ServiceNodeKey }[]; ownSwarm(): Swarm | undefined }
  readonly verdicts: Pick<MemberVerdicts, 'due' | 'triedAtMs'>
}

/** Who is tested in one turn. */
export interface TurnChoice {
  /** Whether each is tested because its turn has come; else it has failed, and is tested again. */
  readonly reach: ReadonlyMap<ServiceNodeKey, boolean>
  readonly storage: readonly ServiceNodeKey[]
}

/** One random member, those of the own swarm whose pause is over, and the failing ones that have waited longest. */
export function chooseTests(
  { clock, random, self, swarm, verdicts }: TestChoiceComponents,
  options: Pick<PeerTestsOptions, 'swarmIntervalMs' | 'proofIntervalMs' | 'retestsPerTurn'>,
): TurnChoice {
  const nowMs = clock.monotonicMs()
  const neighbours = (swarm.ownSwarm()?.members ?? []).filter((key) => key !== self)
  const isOver = (key: ServiceNodeKey, test: PeerTest, pauseMs: number) => {
    const triedAtMs = verdicts.triedAtMs(key, test)
    return triedAtMs === undefined || nowMs - triedAtMs >= pauseMs
  }
  const reach = new Map<ServiceNodeKey, boolean>()
  for (const key of verdicts.due(['https', 'libp2p']).slice(0, options.retestsPerTurn)) reach.set(key, false)
  for (const key of neighbours) if (isOver(key, 'https', options.swarmIntervalMs)) reach.set(key, true)
  const one = randomOther(swarm.members(), self, random)
  if (one !== undefined) reach.set(one, true)

  const doubted = new Set(verdicts.due(['storage']))
  const storage = neighbours.filter((key) => doubted.has(key) || isOver(key, 'storage', options.proofIntervalMs))
  return { reach, storage }
}

function randomOther(
  members: readonly { readonly key: ServiceNodeKey }[],
  self: ServiceNodeKey,
  random: () => number,
): ServiceNodeKey | undefined {
  const at = Math.floor(random() * members.length)
  const chosen = members[at]?.key
  // Who drew itself takes the next.
  const one = chosen === self ? members[(at + 1) % members.length]?.key : chosen
  return one === self ? undefined : one
}
