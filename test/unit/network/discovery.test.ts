import { expect, test } from 'vitest'
import { HOUR, systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { type Connector, Discovery } from '../../../src/network/discovery.ts'
import { createNetworkMetrics } from '../../../src/network/metrics.ts'
import { PeerDirectory } from '../../../src/network/peer-directory.ts'
import { RecordExchange } from '../../../src/network/record-exchange.ts'
import { noRecordFile } from '../../../src/network/record-file.ts'
import { RecordJudge } from '../../../src/network/record-judge.ts'
import { encodeRecordList } from '../../../src/protocol/peer-api/record-exchange.ts'
import { anIdentity, loopbackOptions, TestMembership, testNetworkId } from './peer-network-support.ts'

const [self, other] = [anIdentity(), anIdentity()]

/** Without rounds of its own making: all pauses last an hour. */
const options = {
  ...loopbackOptions,
  bootstrapMultiaddrs: ['/ip4/127.0.0.1/tcp/1'],
  gapIntervalMs: HOUR,
  exchangeIntervalMs: HOUR,
  joinRetryMinMs: 1,
  dhtDelayMs: 0,
}

function aDiscovery(connector: Connector, onLookup: () => void = () => {}) {
  const membership = new TestMembership([self.member, other.member])
  const judge = new RecordJudge({ network: testNetworkId, memberOf: () => undefined, clock: systemClock }, options)
  const metrics = createNetworkMetrics(createMetricsRegistry())
  const directory = new PeerDirectory({ membership, judge, file: noRecordFile, log: silentLogger, metrics })
  const peers = { request: async () => encodeRecordList([]), handle: () => {} }
  const { connected } = connector
  const ownKey = self.member.key
  const exchange = new RecordExchange({ peers, directory, ownKey, connected, log: silentLogger }, options)
  const find = async () => {
    onLookup()
    return false
  }
  return new Discovery(
    {
      ownKey,
      membership,
      directory,
      exchange,
      lookup: { find, publish: async () => {} },
      ownRecord: { sign: async () => undefined },
      connector,
      clock: systemClock,
      log: silentLogger,
    },
    options,
  )
}

test('a last connection that is lost at the end of a round is noticed by the next, which comes at once', async () => {
  let connected = [other.member.key]
  const joined = Promise.withResolvers<void>()
  const dialBootstrap = async () => {
    if (connected.length === 0) joined.resolve()
    return other.member.key
  }
  await using discovery: Discovery = aDiscovery({ connected: () => connected, dialBootstrap }, () => {
    connected = []
    discovery.lostAll()
  })
  discovery.start()
  await joined.promise
})

test('stopping does not wait for a bootstrap node that does not answer', async () => {
  const dialled = Promise.withResolvers<void>()
  const dialBootstrap = (_address: string, signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      dialled.resolve()
    })
  const discovery = aDiscovery({ connected: () => [], dialBootstrap })
  discovery.start()
  await dialled.promise
  expect(await discovery[Symbol.asyncDispose]()).toBeUndefined()
})
