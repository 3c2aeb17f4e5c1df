import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import type { ServiceNodeStatus } from './status.ts'

/** A line now and then that tells the operator how the node is doing, and at once when it starts. */
export function createStatusReporter(
  { log, status }: { log: Logger; status: () => ServiceNodeStatus },
  { statusIntervalMs }: { statusIntervalMs: number },
): AsyncDisposable {
  const report = async () => {
    const { notReady, degraded, stake, membership, network, swarm, rewards, storage } = status()
    const facts = {
      stake: stake.kind,
      epoch: membership.currentEpoch,
      members: membership.members,
      connections: network.connections,
      missingRecords: network.missing,
      chain: membership.standing,
      swarmMembers: swarm.members,
      messages: storage.messages,
      rewardsPeriod: rewards?.index,
    }
    const reasons = [...notReady, ...degraded].map(({ reason }) => reason)
    if (notReady.length > 0) log.warn({ ...facts, reasons }, 'Not serving')
    else if (degraded.length > 0) log.warn({ ...facts, reasons }, 'Serving, but something is wrong')
    else log.info(facts, 'Serving')
  }
  const sentence = 'The status line failed'
  const periodic = createPeriodic({ log }, { intervalMs: statusIntervalMs, sentence }, report)
  void periodic.runNow()
  return periodic
}
