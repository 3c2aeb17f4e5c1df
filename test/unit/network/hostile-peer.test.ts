// A member that speaks the protocol wrongly, played by a bare libp2p host.
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { worstCaseMemoryBytes } from '../../../src/network/memory-bound.ts'
import { defaultNetworkOptions, type NetworkOptions } from '../../../src/network/options.ts'
import { peerProtocolId } from '../../../src/protocol/network-id.ts'
import { encodeFrame, type Frame, FrameDecoder } from '../../../src/protocol/peer-api/frame.ts'
import { aBareHost, anIdentity, createTestNode, testNetworkId, until } from './peer-network-support.ts'

const onion = peerProtocolId(testNetworkId, 'onion')
const timeoutMs = 20_000

/** A node that echoes, and a member of the same network that does as the test wants. */
async function aNodeAndAHostileMember(options: Partial<NetworkOptions> = {}) {
  await using stack = new AsyncDisposableStack()
  const [honest, hostile] = [anIdentity(), anIdentity()]
  const node = stack.use(await createTestNode(honest, [honest.member, hostile.member], options))
  node.network.handle('onion', async (_from, payload) => payload)
  await node.network.start()
  const host = await aBareHost(hostile.identity)
  stack.defer(() => host.stop())
  const connection = await host.dial(multiaddr(node.address()))
  const started = stack.move()
  return { node, host, connection, member: hostile.member, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

const ended = (stream: Stream) => new Promise<void>((resolve) => stream.addEventListener('close', () => resolve()))

/** Asks as an honest peer would, over a stream of its own. */
async function echo(connection: Connection): Promise<Frame> {
  const stream = await connection.newStream(onion)
  const answer = nextFrame(stream)
  stream.send(encodeFrame({ kind: 'request', id: 1, timeoutMs, payload: Buffer.from('honest') }))
  return answer.finally(() => stream.abort(new Error('done')))
}

function nextFrame(stream: Stream): Promise<Frame> {
  return new Promise((resolve, reject) => {
    const decoder = new FrameDecoder(
      { accept: () => true, deliver: resolve },
      { sizeMax: 1 << 24, kinds: ['response', 'failure'] },
    )
    stream.addEventListener('message', ({ data }) => decoder.push(data.subarray()))
    stream.addEventListener('close', () => reject(new Error('The stream ended')))
  })
}

test.each([
  ['random bytes', Buffer.alloc(64, 0xff)],
  ['an answer where requests are taken', encodeFrame({ kind: 'response', id: 1, payload: Buffer.of(1) })],
  ['a frame larger than the protocol allows', Buffer.from('010000000100000064ffffffff', 'hex')],
])('%s end the stream, and the next one works', async (_what, bytes) => {
  await using pair = await aNodeAndAHostileMember()
  const stream = await pair.connection.newStream(onion)
  const end = ended(stream)
  stream.send(bytes)
  await end
  expect(await echo(pair.connection)).toMatchObject({ kind: 'response', id: 1 })
  expect(await pair.node.exposeMetrics()).toContain('starling_network_broken_streams_total{reason="protocol"} 1')
})

test('a frame that never becomes complete ends the stream and gives its bytes back', async () => {
  await using pair = await aNodeAndAHostileMember({ stallTimeoutMs: 100 })
  const stream = await pair.connection.newStream(onion)
  const end = ended(stream)
  const frame = encodeFrame({ kind: 'request', id: 1, timeoutMs, payload: Buffer.alloc(5_000_000) })
  stream.send(frame.subarray(0, 100_000))
  await end
  // The node's own exchange of records may be under way just now.
  await expect.poll(() => pair.node.exposeMetrics()).toContain('starling_network_payload_bytes 0')
  expect(await pair.node.exposeMetrics()).toContain('starling_network_broken_streams_total{reason="stalled"} 1')
  expect(await echo(pair.connection)).toMatchObject({ kind: 'response' })
})

test('a peer that asks and never reads has its stream ended, and the bytes come back', async () => {
  await using pair = await aNodeAndAHostileMember({ stallTimeoutMs: 200 })
  const stream = await pair.connection.newStream(onion)
  stream.pause()
  const end = ended(stream)
  for (let id = 1; id <= 20; id++) {
    stream.send(encodeFrame({ kind: 'request', id, timeoutMs, payload: Buffer.alloc(250_000) }))
  }
  await end
  await expect.poll(() => pair.node.exposeMetrics()).toContain('starling_network_payload_bytes 0')
  expect(await echo(pair.connection)).toMatchObject({ kind: 'response' })
})

test('the same id twice at once is answered busy', async () => {
  await using pair = await aNodeAndAHostileMember()
  const release = Promise.withResolvers<void>()
  pair.node.network.handle('onion', async (_from, payload) => {
    await release.promise
    return payload
  })
  const stream = await pair.connection.newStream(onion)
  const answer = nextFrame(stream)
  const frame = encodeFrame({ kind: 'request', id: 7, timeoutMs, payload: Buffer.of(1) })
  stream.send(Buffer.concat([frame, frame]))
  expect(await answer).toEqual({ kind: 'failure', id: 7, code: 'busy' })
  release.resolve()
})

test('more streams than a peer needs are reset, and the connection goes on', async () => {
  await using pair = await aNodeAndAHostileMember()
  // Before the first answer, libp2p would end the connection instead.
  await echo(pair.connection)
  const opened = await Promise.allSettled(Array.from({ length: 60 }, () => pair.connection.newStream(onion)))
  const streams = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  await until(() => streams.filter(({ status }) => status === 'open').length <= 2)
  for (const stream of streams) stream.abort(new Error('done'))
  expect(await echo(pair.connection)).toMatchObject({ kind: 'response' })
})

test('one member does not take up the room of others with connections', async () => {
  await using pair = await aNodeAndAHostileMember()
  const dial = () => pair.host.dial(multiaddr(pair.node.address()), { force: true })
  for (let count = 0; count < 8; count++) await dial()
  const newest = await dial()
  await until(() => pair.node.network.status().connections <= 3)
  expect(await echo(newest)).toMatchObject({ kind: 'response' })
})

test('a flood of requests whose refusals nobody reads is not remembered', async () => {
  const { onion: limits } = defaultNetworkOptions.protocols
  const protocols = { ...defaultNetworkOptions.protocols, onion: { ...limits, handlersMax: 0 } }
  await using pair = await aNodeAndAHostileMember({ protocols })
  const stream = await pair.connection.newStream(onion)
  stream.pause()
  const requests = Buffer.concat(
    Array.from({ length: 60 }, (_, id) => encodeFrame({ kind: 'request', id, timeoutMs, payload: Buffer.of(1) })),
  )
  const rounds = 100
  for (let round = 0; round < rounds; round++) {
    if (!stream.send(requests))
      await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
  }
  await expect
    .poll(() => pair.node.exposeMetrics())
    .toContain(`starling_network_handled_requests_total{protocol="onion",outcome="busy"} ${60 * rounds}`)
  let [refusals, last] = [0, 0]
  const deliver = ({ id }: Frame) => {
    refusals++
    last = id
  }
  const decoder = new FrameDecoder({ accept: () => true, deliver }, { sizeMax: 1 << 24, kinds: ['failure'] })
  stream.addEventListener('message', ({ data }) => decoder.push(data.subarray()))
  stream.resume()
  // A request that is refused now comes after all that had waited.
  for (let id = 1000; last < 1000; id++) {
    stream.send(encodeFrame({ kind: 'request', id, timeoutMs, payload: Buffer.of(1) }))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(refusals).toBeLessThan((60 * rounds) / 2)
})

test('a stream that was open when the stake ended answers nothing any more', async () => {
  await using pair = await aNodeAndAHostileMember()
  const stream = await pair.connection.newStream(onion)
  const end = ended(stream)
  pair.node.membership.set([pair.node.member])
  await end
  await until(() => pair.connection.status !== 'open')
})

test('records that a member hands over about others are judged like any, and forged ones end the exchange', async () => {
  await using pair = await aNodeAndAHostileMember()
  const stream = await pair.connection.newStream(peerProtocolId(testNetworkId, 'records'))
  const answer = nextFrame(stream)
  const junk = Buffer.concat([Buffer.of(0, 0, 1, 0, 3), Buffer.from('abc'), Buffer.of(0, 0)])
  stream.send(encodeFrame({ kind: 'request', id: 1, timeoutMs, payload: junk }))
  expect(await answer).toEqual({ kind: 'failure', id: 1, code: 'failed' })
  expect(pair.node.network.contacts()).toHaveLength(1)
  expect(await pair.node.exposeMetrics()).toContain('received_records_total{outcome="malformed"} 1')
  const broken = nextFrame(stream)
  stream.send(encodeFrame({ kind: 'request', id: 2, timeoutMs, payload: Buffer.of(9) }))
  expect(await broken).toEqual({ kind: 'failure', id: 2, code: 'failed' })
})

test('the defaults keep the worst case of memory within their cap', () => {
  expect(worstCaseMemoryBytes(defaultNetworkOptions)).toBeLessThanOrEqual(defaultNetworkOptions.memoryMaxBytes)
})
