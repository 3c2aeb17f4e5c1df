import { bytesEqual } from '../base/bytes.ts'
import type { Clock, DurationMs } from '../base/clock.ts'
import type { Timers } from '../base/timers.ts'
import { secureRandomBytes } from '../crypto/random-bytes.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import { storageDigest } from '../protocol/peer-api/probe.ts'
import type { Finding, PeerTest } from '../protocol/peer-api/probe-report.ts'
import type { ServiceNodeContact, ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import type { MemberVerdicts } from './member-verdicts.ts'
import type { PeerTestsMetrics } from './metrics.ts'
import type { PeerTestsOptions } from './options.ts'
import { answersHttps, takesConnections } from './port-test.ts'
import type { Prober } from './prober.ts'
import { chooseChallenge, type HeldContents } from './storage-proof.ts'

export interface MemberTesterComponents {
  readonly clock: Clock
  readonly timers: Timers
  readonly contacts: { contact(key: ServiceNodeKey): ServiceNodeContact | undefined }
  readonly contents: HeldContents
  /** The part of the ring whose accounts the swarm of this node keeps. */
  readonly swarm: { ownArc(): SwarmArc | undefined }
  readonly prober: Prober
  readonly verdicts: Pick<MemberVerdicts, 'note' | 'noteReached' | 'tried'>
  readonly metrics: Pick<PeerTestsMetrics, 'tests'>
}

/** Bytes of a nonce, and of the place in the accounts where a proof begins. */
const RANDOM_SIZE = 32

/** Makes one test of one member, and notes what it says. What is stopped on the way says nothing. */
export class MemberTester {
  readonly #components: MemberTesterComponents
  readonly #options: Pick<PeerTestsOptions, 'timeoutMs' | 'proofRefusalsMaxMs'>
  /** Since when members have refused to prove anything. */
  readonly #refusing = new Map<ServiceNodeKey, DurationMs>()

  constructor(components: MemberTesterComponents, options: Pick<PeerTestsOptions, 'timeoutMs' | 'proofRefusalsMaxMs'>) {
    this.#components = components
    this.#options = options
  }

  /** Whether clients and other members find it where its record says. */
  async testReach(member: ServiceNodeKey, isTurn: boolean, signal: AbortSignal): Promise<void> {
    const { contacts, timers, verdicts } = this.#components
    const contact = contacts.contact(member)
    if (contact === undefined) {
      this.#note(member, 'https', undefined)
      this.#note(member, 'libp2p', undefined)
      return
    }
    const deadline = timers.deadline(this.#options.timeoutMs, signal)
    const [https, isOpen, isAnswering] = await Promise.all([
      answersHttps(contact, deadline),
      takesConnections(contact, deadline),
      this.#isAnswering(member, signal),
    ])
    if (signal.aborted) return
    const libp2p = isOpen && isAnswering
    this.#note(member, 'https', https ? 'passed' : 'failed')
    this.#note(member, 'libp2p', libp2p ? 'passed' : 'failed')
    verdicts.noteReached(member, https && libp2p, isTurn)
  }

  /** Whether it holds what this node holds in a random place. */
  async testStorage(member: ServiceNodeKey, signal: AbortSignal): Promise<void> {
    const finding = await this.#proofFinding(member, signal)
    if (!signal.aborted) this.#note(member, 'storage', finding)
  }

  /** Forgets who is not a member any more. */
  keep(members: ReadonlySet<ServiceNodeKey>): void {
    for (const key of this.#refusing.keys()) if (!members.has(key)) this.#refusing.delete(key)
  }

  #note(member: ServiceNodeKey, test: PeerTest, finding: Finding | undefined): void {
    this.#components.metrics.tests.inc({ test, outcome: finding ?? 'untested' })
    if (finding === undefined) this.#components.verdicts.tried(member, test)
    else this.#components.verdicts.note(member, test, finding)
  }

  async #isAnswering(member: ServiceNodeKey, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#components.prober.ask(member, { kind: 'ping' }, signal)
      return true
    } catch (error) {
      if (!isExpected(error, signal)) throw error
      // Who says that it is busy is there.
      return error instanceof PeerRequestError && error.code === 'PEER_BUSY'
    }
  }

  /** Undefined when nothing can be said: nothing is held that both must have, or the member cannot be asked now. */
  async #proofFinding(member: ServiceNodeKey, signal: AbortSignal): Promise<Finding | undefined> {
    const { clock, contents, prober, swarm } = this.#components
    const arc = swarm.ownArc()
    if (arc === undefined) return undefined
    const choice = {
      arc,
      atMs: clock.nowMs(),
      nonce: secureRandomBytes(RANDOM_SIZE),
      start: secureRandomBytes(RANDOM_SIZE),
    }
    const held = await chooseChallenge(contents, choice)
    if (held === undefined) return undefined
    try {
      const answer = await prober.ask(member, { kind: 'proof', challenge: held.challenge }, signal)
      if ('refusal' in answer) return this.#refused(member)
      this.#refusing.delete(member)
      const digest = storageDigest(held.challenge, member, held.messages)
      return bytesEqual(answer.digest, digest) ? 'passed' : 'failed'
    } catch (error) {
      if (!isExpected(error, signal)) throw error
      // That it cannot be reached is another test's finding.
      return error instanceof ProtocolError ? 'failed' : undefined
    }
  }

  /** Who joins, or is busy, cannot prove anything; but who never can has nothing. */
  #refused(member: ServiceNodeKey): Finding | undefined {
    const nowMs = this.#components.clock.monotonicMs()
    const sinceMs = this.#refusing.get(member) ?? nowMs
    this.#refusing.set(member, sinceMs)
    return nowMs - sinceMs >= this.#options.proofRefusalsMaxMs ? 'failed' : undefined
  }
}

function isExpected(error: unknown, signal: AbortSignal): boolean {
  return error instanceof PeerRequestError || error instanceof ProtocolError || signal.aborted
}
