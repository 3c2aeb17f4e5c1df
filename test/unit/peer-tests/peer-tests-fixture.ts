// What the tests of src/peer-tests share: time that passes when a test says so, and members to speak of.
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { systemTimers, type Timers } from '../../../src/base/timers.ts'
import { type Ed25519KeyPair, ed25519KeyPairFromSeed } from '../../../src/crypto/keys.ts'
import { createPeerTestsMetrics } from '../../../src/peer-tests/metrics.ts'
import type { PeerTestsComponents } from '../../../src/peer-tests/peer-tests.ts'
import { type Member, type ServiceNodeKey, serviceNodeKey } from '../../../src/protocol/service-node.ts'
import { memberOf } from '../network/peer-network-support.ts'

/** Turns begin when a test asks for them; deadlines are the system's. */
export const handTimers: Timers = { after: () => () => {}, deadline: systemTimers.deadline }

export interface Person {
  readonly pair: Ed25519KeyPair
  readonly key: ServiceNodeKey
  readonly member: Member
}

export function people(count: number): readonly Person[] {
  return Array.from({ length: count }, (_, at) => {
    const pair = ed25519KeyPairFromSeed(Buffer.alloc(32, at + 1))
    return { pair, key: serviceNodeKey(pair.publicKey), member: memberOf(pair, BigInt(at + 1)) }
  })
}

export function testMetrics() {
  const registry = createMetricsRegistry()
  return { metrics: createPeerTestsMetrics(registry), expose: () => registry.expose() }
}

/** What most tests need nothing of. */
export const quietParts = {
  log: silentLogger,
  timers: handTimers,
  random: () => 0,
  isComplete: () => true,
  newestBlockMs: () => undefined,
  contents: { page: async () => ({ items: [], next: undefined }) },
} satisfies Partial<PeerTestsComponents>
