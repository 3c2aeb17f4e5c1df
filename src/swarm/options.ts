import { DAY, type DurationMs, SECOND } from '../base/clock.ts'
import { FORWARD_TIMEOUT_MS } from '../protocol/limits.ts'

/** Of these, `sizeMin` and `unlockMs` belong to the network preset: nodes that differ in them compute different swarms. */
export interface SwarmOptions {
  /** A range is split only while both halves keep this many nodes, so it is also the fewest members that a swarm has. */
  readonly sizeMin: number
  /** How long after its exit request a member still keeps messages. */
  readonly unlockMs: DurationMs
  /** How long a member may take to answer a forwarded request. */
  readonly forwardTimeoutMs: DurationMs
  /** The wait never gets shorter than this for a member that timed out repeatedly. */
  readonly forwardTimeoutMinMs: DurationMs
  /** Timeouts in a row after which a member's wait is halved, and halved again with each further one. */
  readonly forwardTimeoutsToShorten: number
  /** How often a member with a shortened wait is given the full one, to see whether it recovered. */
  readonly forwardFullWaitIntervalMs: DurationMs
  /** Forwarded requests under way to all members together; more count as unreachable at once. */
  readonly forwardsMax: number
  /** Forwarded requests under way to one member, so that a slow one cannot take the place of the others. */
  readonly forwardsPerMemberMax: number
}

export const defaultSwarmOptions: SwarmOptions = {
  sizeMin: 5,
  unlockMs: 15 * DAY,
  forwardTimeoutMs: FORWARD_TIMEOUT_MS,
  // Above a round trip around the world on a poor line, well below what a client waits for.
  forwardTimeoutMinMs: SECOND / 2,
  forwardTimeoutsToShorten: 3,
  forwardFullWaitIntervalMs: 30 * SECOND,
  // Each may hold on to a 100 KiB payload that it shares with its fan-out of five or more: under 80 MiB in all.
  forwardsMax: 4_096,
  forwardsPerMemberMax: 512,
}
