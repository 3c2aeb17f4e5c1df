import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import type { ServiceNodeStatus } from './status.ts'

/** A line now and then that tells the operator how the node is doing, and at once when it starts. */
export function createStatusReporter(
  { log, status }: { log: Logger; status: () => ServiceNodeStatus },
  { statusIntervalMs }: { statusIntervalMs: number },
): AsyncDisposable {
  const report = async () => {
    const { notReady, stake, membership, network, swarm, storage } = status()
    const facts = {
      stake: stake.kind,
      epoch: membership.currentEpoch,
      members: membership.members,
      connections: network.connections,
      missingRecords: network.missing,
      swarmMembers: swarm.members,
      messages: storage.messages,
    }
    if (notReady.length === 0) log.info(facts, 'Serving')
    else log.info({ ...facts, reasons: notReady.map(({ reason }) => reason) }, 'Not serving yet')
  }
  const sentence = 'The status line failed'
  const periodic = createPeriodic({ log }, { intervalMs: statusIntervalMs, sentence }, report)
  void periodic.runNow()
  return periodic
}
