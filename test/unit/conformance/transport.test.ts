// The onion transport of the suite, through nodes that open real layers.
import { expect, test } from 'vitest'
import { type HttpRequest, HttpsExchange, type HttpsPlace } from '../../../conformance/https-exchange.ts'
import { createOnionTransport } from '../../../conformance/transport.ts'
import { toHex } from '../../../src/base/bytes.ts'
import { startTestNetwork } from '../client/test-network.ts'

/** Keeps what was sent. */
class RecordingExchange extends HttpsExchange {
  readonly bodies: string[] = []

  override once(place: HttpsPlace, request: HttpRequest, signal: AbortSignal) {
    this.bodies.push(Buffer.from(request.body ?? '').toString('base64'))
    return super.once(place, request, signal)
  }
}

test('a guard that is busy is asked again with other layers, since a node may have opened the first', async () => {
  await using network = await startTestNetwork(5)
  using https = new RecordingExchange()
  let refusals = 0
  for (const node of network.nodes) {
    const busy = { status: 503, text: 'Server busy, try again later', retryAfter: '1' }
    Object.defineProperty(node, 'guardRefusal', { get: () => (refusals++ === 0 ? busy : undefined) })
    node.answer = () => ({ status: 200, body: { answered: true } })
  }
  const nodes = network.nodes.map(({ key, x25519, ip, httpsPort }) => ({
    key,
    x25519: toHex(x25519),
    legacyKey: key,
    ip,
    swarm: '0',
    place: { host: ip, port: httpsPort },
  }))
  const [destination] = nodes
  if (destination === undefined) throw new Error('The network has nodes')
  const onion = createOnionTransport(https, nodes)
  const answer = await onion.ask(destination, '{"method":"info","params":{}}', new AbortController().signal)
  expect(answer).toMatchObject({ status: 200, body: { answered: true } })
  expect(https.bodies).toHaveLength(2)
  expect(new Set(https.bodies).size).toBe(2)
})
