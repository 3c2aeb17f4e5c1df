import { DAY, type DurationMs, HOUR, MINUTE, SECOND } from '../base/clock.ts'
import { FORWARD_TIMEOUT_MS } from '../protocol/limits.ts'

/** Of these, `sizeMin` and `unlockMs` belong to the network preset: nodes that differ in them compute different swarms. */
export interface SwarmOptions {
  /** A range is split only while both halves keep this many nodes, so it is also the fewest members that a swarm has. */
  readonly sizeMin: number
  /** How long after its exit request a member still keeps messages. */
  readonly unlockMs: DurationMs
  /** For so many epochs, accounts are taken from service nodes that no longer serve them: until all is handed over. */
  readonly handOverEpochs: number
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
  /** Of requests that a member did not take. */
  readonly handOff: HandOffOptions
  /** Of comparing what this node holds with the other members of its swarm. */
  readonly comparing: ComparingOptions
  /** Of accounts that are new to this node. */
  readonly joining: JoiningOptions
  /** Of accounts that this node no longer serves. */
  readonly handOver: HandOverOptions
}

export interface HandOffOptions {
  /** Requests that may wait for the disk before they wait for their member; more are dropped. */
  readonly writingMax: number
  readonly writingMaxBytes: number
  /** Requests under way to one member. */
  readonly inFlightMax: number
  /** Bytes of what is looked at together. */
  readonly windowMaxBytes: number
  /** How long a member may take for one. */
  readonly timeoutMs: DurationMs
  /** So fast at most, to each member: one that comes back has its clients to serve. */
  readonly bytesPerSecondMax: number
  readonly requestsPerSecondMax: number
  /** Wait after the first attempt in vain. It doubles with each further one. */
  readonly retryMinMs: DurationMs
  readonly retryMaxMs: DurationMs
  /** A request that went wrong at its member so often is dropped: it must not keep all others from it. */
  readonly failuresMax: number
}

export interface ComparingOptions {
  /** Wait between two rounds with all members, up to a quarter more or less. */
  readonly intervalMs: DurationMs
  /** Wait before a difference is looked into: most are requests that are still under way. */
  readonly confirmAfterMs: DurationMs
  /** How long a member may take for one answer. */
  readonly timeoutMs: DurationMs
  /** How long one member is fetched from before it is the turn of the others. */
  readonly turnMaxMs: DurationMs
  /** Entries that are enough for one page of a list. */
  readonly listCountMax: number
  /** Entries of one bucket that are looked at in one turn; what a member has beyond that waits for the next. */
  readonly listedMax: number
  /** First wait before a bucket is listed again that differs although the member has nothing new. It doubles each time. */
  readonly backOffMinMs: DurationMs
  readonly backOffMaxMs: DurationMs
  /** A list that brought nothing is not fetched again before its bytes have taken their time at this speed. */
  readonly fruitlessBytesPerSecond: number
  /** Things that a member gave and that changed nothing here, such as what a full account has no room for: so many are not fetched again for so long. */
  readonly fruitlessThingsMax: number
  readonly fruitlessMemoryMs: DurationMs
  /** Bytes of things on one page: as many as fit an answer, unless less is to be in memory at once. */
  readonly itemsMaxBytes: number
  /** Bytes of requests and answers about contents that one member may use, and how many at once. */
  readonly bytesPerSecondMax: number
  readonly burstBytes: number
  /** Requests about contents that are worked on at once, of all members and of one. */
  readonly answersMax: number
  readonly answersPerMemberMax: number
  /** A member that gives so many wrong things within a time is ignored for another. */
  readonly wrongMax: number
  readonly wrongMemoryMs: DurationMs
  readonly ignoredMs: DurationMs
}

export interface JoiningOptions {
  /** Without any progress for so long, this node answers for what it has. */
  readonly patienceMs: DurationMs
  /** Parts that the accounts are split into by the first byte of their keys; each comes from one source. At most 256. */
  readonly ranges: number
  /** Requests under way to all sources together; none has two. */
  readonly inFlightMax: number
  /** How long a source may take for one page. */
  readonly timeoutMs: DurationMs
  /** Members whose contents are compared with ours before we call them complete, and half of our swarm if that is more. */
  readonly checks: number
  /** When fewer can be asked for so long, one has to do. */
  readonly checksPatienceMs: DurationMs
  /** Wait after a source failed, or had nothing to compare with. It doubles with each further time. */
  readonly retryMinMs: DurationMs
  readonly retryMaxMs: DurationMs
}

export interface HandOverOptions {
  /** First wait after a walk that left something, as to members that were not reached. It doubles each time. */
  readonly retryMinMs: DurationMs
  /** How often it is looked whether there is something to hand over, beside each change of the swarms. */
  readonly intervalMs: DurationMs
  /** So fast at most: nobody waits for it. */
  readonly bytesPerSecondMax: number
  /** How long a member may take for one answer. */
  readonly timeoutMs: DurationMs
  /** Wait while this node has too much to do. */
  readonly loadPauseMs: DurationMs
}

const MIB = 1024 * 1024

export const defaultSwarmOptions: SwarmOptions = {
  sizeMin: 5,
  unlockMs: 15 * DAY,
  // A day.
  handOverEpochs: 144,
  forwardTimeoutMs: FORWARD_TIMEOUT_MS,
  // Above a round trip around the world on a poor line, well below what a client waits for.
  forwardTimeoutMinMs: SECOND / 2,
  forwardTimeoutsToShorten: 3,
  forwardFullWaitIntervalMs: 30 * SECOND,
  // Each may hold on to a 100 KiB payload that it shares with its fan-out of five or more: under 80 MiB in all.
  forwardsMax: 4_096,
  forwardsPerMemberMax: 512,
  handOff: {
    writingMax: 1_024,
    writingMaxBytes: 16 * MIB,
    // A round trip around the world, of a request each, brings 20 a second; all a member may pass on is 500.
    inFlightMax: 4,
    windowMaxBytes: MIB,
    timeoutMs: FORWARD_TIMEOUT_MS,
    // An hour of 100 stores a second takes half an hour to catch up with.
    bytesPerSecondMax: 4 * MIB,
    requestsPerSecondMax: 200,
    retryMinMs: SECOND / 4,
    retryMaxMs: 30 * SECOND,
    failuresMax: 12,
  },
  comparing: {
    // A total is 100 bytes, or 1 KiB with its padding: under a kilobyte a second for a swarm of five.
    intervalMs: 5 * SECOND,
    confirmAfterMs: SECOND,
    timeoutMs: 10 * SECOND,
    turnMaxMs: MINUTE,
    listCountMax: 1_024,
    listedMax: 500_000,
    backOffMinMs: 5 * SECOND,
    backOffMaxMs: 30 * SECOND,
    fruitlessBytesPerSecond: MIB / 16,
    // About two megabytes of names.
    fruitlessThingsMax: 8_192,
    fruitlessMemoryMs: 10 * MINUTE,
    // More than a disk takes of small messages, less than what would keep clients waiting.
    bytesPerSecondMax: 32 * MIB,
    burstBytes: 64 * MIB,
    // Read, checked and written in a few milliseconds at either end, and still far more than a request costs.
    itemsMaxBytes: MIB / 2,
    answersMax: 16,
    answersPerMemberMax: 4,
    wrongMax: 16,
    wrongMemoryMs: HOUR,
    ignoredMs: HOUR,
  },
  joining: {
    patienceMs: 10 * MINUTE,
    ranges: 16,
    // All of a common swarm: whoever joins is what it waits for, so nobody should be what it waits for, too.
    inFlightMax: 8,
    timeoutMs: 15 * SECOND,
    // Two that both say that nothing is missing: one may be new itself.
    checks: 2,
    checksPatienceMs: 10 * SECOND,
    retryMinMs: SECOND / 4,
    retryMaxMs: 15 * SECOND,
  },
  handOver: {
    retryMinMs: 15 * SECOND,
    intervalMs: 5 * MINUTE,
    bytesPerSecondMax: 2 * MIB,
    timeoutMs: 15 * SECOND,
    loadPauseMs: 5 * SECOND,
  },
}
