// Two libp2p hosts over real sockets: one gathers its writes, the other is libp2p as it comes.
import { once } from 'node:events'
import { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { MessageStream, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { expect, test } from 'vitest'
import { gatheringWrites } from '../../../src/network/gathered-writes.ts'
import { aBareHost, anIdentity } from './peer-network-support.ts'

const PROTOCOL = '/gathered-writes-test/1'

test('what is said in one turn waits for its end, and then leaves together and in order', async () => {
  await using pair = await connectedPair()
  const { stream, socket, heard } = pair
  for (let piece = 0; piece < 5; piece++) {
    stream.send(Buffer.alloc(1000, piece))
    expect(socket.writableCorked).toBe(1)
  }
  const waiting = socket.writableLength
  expect(waiting).toBeGreaterThan(5000)
  await setImmediate()
  expect(socket.writableCorked).toBe(0)
  expect(await heard(5000)).toEqual(Buffer.concat([0, 1, 2, 3, 4].map((piece) => Buffer.alloc(1000, piece))))
})

test('a socket that is full says so all the same, and goes on when it has drained', async () => {
  await using pair = await connectedPair()
  const { stream, heard } = pair
  const large = Buffer.alloc(200_000, 7)
  expect(stream.send(large)).toBe(false)
  await once(stream, 'drain')
  stream.send(Buffer.alloc(10, 8))
  expect(await heard(200_010)).toEqual(Buffer.concat([large, Buffer.alloc(10, 8)]))
})

test('what was said in the turn in which the connection is closed still arrives', async () => {
  await using pair = await connectedPair()
  const { stream, heard, close } = pair
  stream.send(Buffer.alloc(3000, 9))
  const closed = close()
  expect(await heard(3000)).toEqual(Buffer.alloc(3000, 9))
  await closed
})

async function connectedPair() {
  await using parts = new AsyncDisposableStack()
  const answerer = await aBareHost(anIdentity().identity, ['/ip4/127.0.0.1/tcp/0'])
  parts.defer(async () => answerer.stop())
  let connection: MessageStream | undefined
  const asker = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [
      gatheringWrites((components: Parameters<ReturnType<typeof noise>>[0]) => {
        const encrypter = noise()(components)
        return {
          protocol: encrypter.protocol,
          secureInbound: (inbound, options) => encrypter.secureInbound(inbound, options),
          secureOutbound(outbound, options) {
            connection = outbound
            return encrypter.secureOutbound(outbound, options)
          },
        }
      }),
    ],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  parts.defer(async () => asker.stop())

  const { promise, resolve } = Promise.withResolvers<Stream>()
  await answerer.handle(PROTOCOL, (stream) => resolve(stream))
  const stream = await asker.dialProtocol(answerer.getMultiaddrs(), PROTOCOL)
  const other = await promise
  if (connection === undefined || !('socket' in connection && connection.socket instanceof Socket)) {
    throw new Error('libp2p no longer shows the socket of a TCP connection')
  }
  const moved = parts.move()
  return {
    stream,
    socket: connection.socket,
    /** The first `size` bytes that the other side hears. */
    async heard(size: number): Promise<Buffer> {
      const pieces: Uint8Array[] = []
      let length = 0
      for await (const piece of other) {
        pieces.push(piece.subarray())
        length += piece.byteLength
        if (length >= size) break
      }
      return Buffer.concat(pieces)
    },
    close: () => asker.stop(),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  }
}
