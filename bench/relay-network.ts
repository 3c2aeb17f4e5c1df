// What both processes of relay.bench.ts share: two service nodes of one network, and the frames of the bare TLS echo.
import { systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { createMetricsRegistry } from '../src/base/metrics.ts'
import { ed25519KeyPairFromSeed } from '../src/crypto/keys.ts'
import { createNetworkMetrics } from '../src/network/metrics.ts'
import { defaultNetworkOptions } from '../src/network/options.ts'
import { createPeerNetwork, type PeerNetwork } from '../src/network/peer-network.ts'
import { networkIdOf } from '../src/protocol/network-id.ts'
import { sizeClass } from '../src/protocol/peer-api/frame.ts'
import { type Member, serviceNodeKey } from '../src/protocol/service-node.ts'

const identities = [1, 2].map((seed) => ed25519KeyPairFromSeed(Buffer.alloc(32, seed)))

export const members: readonly Member[] = identities.map(({ publicKey }, index) => ({
  id: BigInt(index + 1),
  key: serviceNodeKey(publicKey),
  bls: String(index).repeat(128),
  operator: `0x${'00'.repeat(20)}`,
  addedTimestampS: 1n,
  leaveRequestTimestampS: 0n,
  depositAtomic: 1n,
}))

/** A key instead of a certificate, for only the handshake differs; the cipher is what TLS 1.3 would choose too. */
export const presharedKey = Buffer.alloc(32, 9)
export const tlsSuite = { ciphers: 'PSK-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' } as const

/** A node of its own process. Index 0 asks, index 1 answers. */
export async function startBenchNode(index: 0 | 1, bootstrapMultiaddrs: readonly string[]): Promise<PeerNetwork> {
  const identity = identities[index]
  const member = members[index]
  if (identity === undefined || member === undefined) throw new Error('There are two nodes')
  const node = await createPeerNetwork(
    {
      identity,
      network: networkIdOf(1, `0x${'33'.repeat(20)}`),
      membership: {
        isMember: (key) => members.some((one) => one.key === key),
        members: () => members,
        onChange: () => () => {},
      },
      ownRecord: () => ({
        contractId: member.id,
        bls: member.bls,
        publicIp: '127.0.0.1',
        httpsPort: 22_021,
        version: [0, 1, 0],
        epoch: { index: 1, blockHash: `0x${'00'.repeat(32)}`, root: '00'.repeat(32) },
      }),
      clock: systemClock,
      log: silentLogger,
      metrics: createNetworkMetrics(createMetricsRegistry()),
    },
    {
      ...defaultNetworkOptions,
      listenAddress: '127.0.0.1',
      listenPort: 0,
      allowPrivateAddresses: true,
      bootstrapMultiaddrs,
    },
  )
  node.handle('onion', async (_from, payload) => payload)
  await node.start()
  return node
}

/** Cuts `size u32 | id u32 | payload | padding` frames out of what a socket says; padded to the same class as ours. */
export function readBareFrames(deliver: (id: number, payload: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (rest.length - at >= 8) {
      const size = rest.readUInt32BE(at)
      const end = at + 8 + sizeClass(size)
      if (end > rest.length) break
      deliver(rest.readUInt32BE(at + 4), rest.subarray(at + 8, at + 8 + size))
      at = end
    }
    rest = rest.subarray(at)
  }
}

/** Gathers the frames of one turn of the event loop into one write, as our own connection does. */
export function writeBareFrames(write: (bytes: Buffer) => void): (id: number, payload: Uint8Array) => void {
  let queued: Uint8Array[] = []
  return (id, payload) => {
    if (queued.length === 0) {
      setImmediate(() => {
        write(Buffer.concat(queued))
        queued = []
      })
    }
    const head = Buffer.allocUnsafe(8)
    head.writeUInt32BE(payload.length, 0)
    head.writeUInt32BE(id, 4)
    const padding = sizeClass(payload.length) - payload.length
    queued.push(head, payload, Buffer.alloc(padding))
  }
}
