// A member that answers slowly, not at all, or breaks off, played by a bare libp2p host.
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import type { NetworkOptions } from '../../../src/network/options.ts'
import { defaultNetworkOptions } from '../../../src/network/options.ts'
import { peerProtocolId } from '../../../src/protocol/network-id.ts'
import { encodeFrame, FrameDecoder, type FrameHeader } from '../../../src/protocol/peer-api/frame.ts'
import { aBareHost, anIdentity, createTestNode, testNetworkId, until } from './peer-network-support.ts'

const code = (text: string) => expect.objectContaining({ code: text })
const timeoutMs = 20_000

/** A node, and a member that is connected to it and does with each request as the test wants. */
async function aNodeThatAsks(onStream: (stream: Stream) => void, options: Partial<NetworkOptions> = {}) {
  await using stack = new AsyncDisposableStack()
  const [honest, slow] = [anIdentity(), anIdentity()]
  const node = stack.use(await createTestNode(honest, [honest.member, slow.member], options))
  await node.network.start()
  const host = await aBareHost(slow.identity)
  stack.defer(() => host.stop())
  await host.handle(peerProtocolId(testNetworkId, 'onion'), onStream)
  await host.dial(multiaddr(node.address()))
  await until(() => node.network.connected().length > 0)
  const started = stack.move()
  return {
    node,
    ask: (payload: Uint8Array, ms = timeoutMs) =>
      node.network.request(slow.member.key, 'onion', payload, { timeoutMs: ms }),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** Calls back with the header of each request. */
function onRequest(stream: Stream, call: (header: FrameHeader) => void): void {
  const accept = (header: FrameHeader) => {
    call(header)
    return false
  }
  const decoder = new FrameDecoder({ accept, deliver: () => {} }, { sizeMax: 1 << 24, kinds: ['request', 'cancel'] })
  stream.addEventListener('message', ({ data }) => decoder.push(data.subarray()))
}

test('the bytes of an answer that breaks off come back', async () => {
  await using pair = await aNodeThatAsks((stream) =>
    onRequest(stream, ({ id }) => {
      stream.send(encodeFrame({ kind: 'response', id, payload: Buffer.alloc(5_000_000) }).subarray(0, 10_000))
      void stream.close()
    }),
  )
  // Together they are more than there is room for.
  for (let round = 0; round < 15; round++) {
    await expect(pair.ask(Buffer.of(1))).rejects.toEqual(code('PEER_UNREACHABLE'))
  }
  await expect.poll(() => pair.node.exposeMetrics()).toContain('starling_network_payload_bytes 0')
})

test('what a peer does not read is held and bounded even when nobody waits for it any more', async () => {
  const { inFlightMax, ...bounds } = { inFlightMax: 1000, payloadMaxBytes: 1 << 20, handlersMax: 8 }
  const limits = { ...bounds, inFlightMax }
  const options = {
    protocols: { ...defaultNetworkOptions.protocols, onion: limits, forward: limits, records: limits, sign: limits },
    payloadBudgetBytes: 8 << 20,
  }
  await using pair = await aNodeThatAsks((stream) => stream.pause(), { ...options, unansweredMax: 1_000_000 })
  const giveUp = () => pair.ask(Buffer.alloc(500_000), 1).catch((error: unknown) => error)
  let held = 0
  for (let round = 0; held < 10 && round < 100; round++) {
    const outcome = await giveUp()
    held = outcome instanceof Error && 'code' in outcome && outcome.code === 'PEER_BUSY' ? held + 1 : 0
  }
  expect(held).toBe(10)
})
