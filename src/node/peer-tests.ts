import { randomInt } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { MetricsRegister } from '../base/metrics.ts'
import type { Timers } from '../base/timers.ts'
import { createPeerTestsMetrics } from '../peer-tests/metrics.ts'
import type { PeerTestsOptions } from '../peer-tests/options.ts'
import { createPeerTests, type PeerTests, type PeerTestsComponents } from '../peer-tests/peer-tests.ts'
import type { JoiningStatus } from '../swarm/joining.ts'

export interface NodePeerTestsComponents
  extends Pick<PeerTestsComponents, 'identity' | 'network' | 'contents' | 'swarm' | 'newestBlockMs'> {
  readonly peers: PeerTestsComponents['peers'] & PeerTestsComponents['contacts']
  /** Undefined while it has not begun. */
  readonly joining: { status(): JoiningStatus | undefined }
  readonly log: Logger
  readonly register: MetricsRegister
  readonly clock: Clock
  readonly timers?: Timers
}

const RANDOM_STEPS = 2 ** 32

/** Tests of other members; a node that still fetches what its swarm holds neither asks for proofs nor gives any. */
export function createNodePeerTests(
  { peers, joining, register, log, ...parts }: NodePeerTestsComponents,
  options: PeerTestsOptions,
): PeerTests {
  return createPeerTests(
    {
      ...parts,
      peers,
      contacts: peers,
      log: log.part('peer-tests'),
      isComplete: () => joining.status()?.share === 1,
      random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
      metrics: createPeerTestsMetrics(register),
    },
    options,
  )
}
