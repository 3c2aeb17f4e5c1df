import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createConnectionGate } from '../../../src/network/connection-gate.ts'
import { createDhtRules } from '../../../src/network/dht.ts'
import { createHost, portOf } from '../../../src/network/host.ts'
import { createNetworkMetrics } from '../../../src/network/metrics.ts'
import { PeerDialer } from '../../../src/network/peer-dialer.ts'
import { toPrivateKey } from '../../../src/network/peer-identity.ts'
import type { ServiceNodeContact } from '../../../src/protocol/service-node.ts'
import { anIdentity, loopbackOptions, TestMembership, testNetworkId } from './peer-network-support.ts'

const options = { ...loopbackOptions, dialTimeoutMs: 60_000 }
const [caller, callee] = [anIdentity(), anIdentity()]
const membership = new TestMembership([caller.member, callee.member])
const metrics = createNetworkMetrics(createMetricsRegistry())

async function aHost({ identity, member }: typeof caller) {
  const open = () => Promise.reject(new Error('not asked'))
  const host = await createHost(
    {
      privateKey: toPrivateKey(identity),
      network: testNetworkId,
      gate: createConnectionGate({ membership, metrics, ownKey: member.key }, options),
      dht: createDhtRules({ membership, open }, options),
      ownIp: () => '127.0.0.1',
    },
    options,
  )
  await host.start()
  return { host, [Symbol.asyncDispose]: async () => host.stop() }
}

/** Takes connections and says nothing. */
async function aSilentServer() {
  const sockets: Socket[] = []
  const taken = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    sockets.push(socket)
    taken.resolve()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    port,
    taken: taken.promise,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('a dial under way is given up when the peer says that it is elsewhere, and the new place dialled', async () => {
  await using silent = await aSilentServer()
  await using a = await aHost(caller)
  await using b = await aHost(callee)
  const at = (peerPort: number): ServiceNodeContact => ({
    key: callee.member.key,
    ip: '127.0.0.1',
    httpsPort: 1,
    peerPort,
    version: [0, 1, 0],
    timestampMs: 1,
  })
  let contact = at(silent.port)
  const contacts = { contact: () => contact }
  const dialer = new PeerDialer({ host: a.host, contacts, clock: systemClock, metrics }, options)
  const connected = dialer.connect(callee.member.key)
  await silent.taken
  contact = at(portOf(b.host.getMultiaddrs()) ?? 0)
  dialer.moved(contact)
  expect((await connected).remotePeer.equals(b.host.peerId)).toBe(true)
  expect((await dialer.connect(callee.member.key)).status).toBe('open')
})
