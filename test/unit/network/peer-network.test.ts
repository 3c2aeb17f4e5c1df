// Real libp2p nodes over loopback sockets in this process.
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defaultNetworkOptions } from '../../../src/network/options.ts'
import { PeerRequestError } from '../../../src/protocol/peer-api/peer-request-error.ts'
import { anIdentity, createTestNode, startNodes, type TestNode, until } from './peer-network-support.ts'

const limits = defaultNetworkOptions.protocols
const timeoutMs = 20_000
const code = (text: string) => expect.objectContaining({ code: text })

/** Two nodes that know each other, and the second one's answers. */
async function aPair(options: Parameters<typeof startNodes>[1] = {}) {
  const started = await startNodes(2, options)
  const [asker, answerer] = started.nodes as [TestNode, TestNode]
  await until(() => started.nodes.every(({ network }) => network.status().missing === 0))
  return {
    asker,
    answerer,
    ask: (payload: Uint8Array, request: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
      asker.network.request(answerer.key, 'onion', payload, { timeoutMs, ...request }),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}

describe('a request', () => {
  test('is answered by the handler, which is told who asks', async () => {
    await using pair = await aPair()
    pair.answerer.network.handle('onion', async (from, payload) => Buffer.concat([Buffer.from(from), payload]))
    const answer = await pair.ask(Buffer.from(' hello'))
    expect(Buffer.from(answer).toString()).toBe(`${pair.asker.key} hello`)
  })

  test('gets its own answer among many at once, in whatever order they come, in both directions', async () => {
    await using pair = await aPair()
    for (const node of [pair.asker, pair.answerer]) {
      node.network.handle('onion', async (_from, payload) => {
        if ((payload[0] ?? 0) % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
        return payload
      })
    }
    const ways: [TestNode, TestNode][] = [
      [pair.asker, pair.answerer],
      [pair.answerer, pair.asker],
    ]
    await Promise.all(
      ways.flatMap(([from, to]) =>
        Array.from({ length: 300 }, async (_, index) => {
          const payload = Buffer.alloc(index * 17, index)
          const answer = await from.network.request(to.key, 'onion', payload, { timeoutMs })
          expect(Buffer.from(answer).equals(payload)).toBe(true)
        }),
      ),
    )
    expect(pair.asker.network.status().connections).toBe(1)
  })

  test('of ten megabytes arrives whole, and so does its answer', async () => {
    await using pair = await aPair()
    pair.answerer.network.handle('onion', async (_from, payload) => payload)
    const payload = Buffer.alloc(10 * 1024 * 1024, 'starling')
    const [answer, small] = await Promise.all([pair.ask(payload), pair.ask(Buffer.of(1))])
    expect(Buffer.from(answer).equals(payload)).toBe(true)
    expect(small).toHaveLength(1)
  })

  test('beyond the size of its protocol fails without being sent', async () => {
    await using pair = await aPair()
    const payload = Buffer.alloc(limits.onion.payloadMaxBytes + 1)
    await expect(pair.ask(payload)).rejects.toEqual(code('PEER_FAILED'))
  })

  test('that is not answered in time fails, and the handler is told to stop', async () => {
    await using pair = await aPair()
    // Opening the stream must not use up the deadline.
    pair.answerer.network.handle('onion', async (_from, payload) => payload)
    await pair.ask(Buffer.of(0))
    const stopped = Promise.withResolvers<void>()
    pair.answerer.network.handle('onion', (_from, _payload, signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          stopped.resolve()
          reject(signal.reason)
        })
      })
    })
    await expect(pair.ask(Buffer.of(1), { timeoutMs: 200 })).rejects.toEqual(code('PEER_TIMEOUT'))
    await stopped.promise
  })

  test('that is given up stops its handler and rejects with the reason', async () => {
    await using pair = await aPair()
    const [begun, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    pair.answerer.network.handle('onion', (_from, _payload, signal) => {
      begun.resolve()
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          stopped.resolve()
          reject(signal.reason)
        })
      })
    })
    const control = new AbortController()
    const asked = pair.ask(Buffer.of(1), { signal: control.signal })
    await begun.promise
    control.abort(new Error('no longer wanted'))
    await expect(asked).rejects.toThrow('no longer wanted')
    await stopped.promise
  })

  test('whose handler throws fails, and later ones are answered', async () => {
    await using pair = await aPair()
    pair.answerer.network.handle('onion', async (_from, payload) => {
      if (payload[0] === 1) throw new PeerRequestError('PEER_FAILED', 'Not this one')
      if (payload[0] === 2) throw new PeerRequestError('PEER_BUSY', 'Too much to do')
      return payload
    })
    await expect(pair.ask(Buffer.of(1))).rejects.toEqual(code('PEER_FAILED'))
    await expect(pair.ask(Buffer.of(2))).rejects.toEqual(code('PEER_BUSY'))
    expect(await pair.ask(Buffer.of(3))).toHaveLength(1)
  })

  test('that nobody handles is refused', async () => {
    await using pair = await aPair()
    await expect(pair.ask(Buffer.of(1))).rejects.toEqual(code('PEER_FAILED'))
  })

  test('to a member whose record is not known fails as unknown', async () => {
    const [known, unknown] = [anIdentity(), anIdentity()]
    await using node = await createTestNode(known, [known.member, unknown.member])
    await node.network.start()
    const asked = node.network.request(unknown.member.key, 'onion', Buffer.of(1), { timeoutMs })
    await expect(asked).rejects.toEqual(code('PEER_UNKNOWN'))
  })
})

describe('too many requests', () => {
  test('are answered busy by the peer, and places become free again', async () => {
    const protocols = { ...limits, onion: { ...limits.onion, handlersMax: 2 } }
    await using pair = await aPair({ protocols })
    const release = Promise.withResolvers<void>()
    pair.answerer.network.handle('onion', async (_from, payload) => {
      await release.promise
      return payload
    })
    const answers = Array.from({ length: 5 }, () =>
      pair.ask(Buffer.of(1)).catch((error: PeerRequestError) => error.code),
    )
    await expect(Promise.all(answers.slice(2))).resolves.toEqual(['PEER_BUSY', 'PEER_BUSY', 'PEER_BUSY'])
    release.resolve()
    expect(await Promise.all(answers.slice(0, 2))).toEqual([expect.any(Uint8Array), expect.any(Uint8Array)])
    expect(await pair.ask(Buffer.of(2))).toHaveLength(1)
  })

  test('for one peer fail at once on our side', async () => {
    const protocols = { ...limits, onion: { ...limits.onion, inFlightMax: 3 } }
    await using pair = await aPair({ protocols })
    pair.answerer.network.handle('onion', async (_from, payload) => payload)
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => pair.ask(Buffer.of(1))))
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ])
  })

  test('in bytes fail as busy, and the bytes come back', async () => {
    const protocols = {
      contents: { ...limits.contents, payloadMaxBytes: 100_000 },
      forward: { ...limits.forward, payloadMaxBytes: 100_000 },
      onion: { ...limits.onion, payloadMaxBytes: 100_000 },
      probe: limits.probe,
      records: { ...limits.records, payloadMaxBytes: 100_000 },
      sign: limits.sign,
    }
    await using pair = await aPair({ protocols, payloadBudgetBytes: 150_000 })
    pair.answerer.network.handle('onion', async (_from, payload) => payload)
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.allSettled([pair.ask(Buffer.alloc(90_000)), pair.ask(Buffer.alloc(90_000))])
      expect(outcomes[1]).toEqual({ status: 'rejected', reason: code('PEER_BUSY') })
    }
    for (const node of [pair.asker, pair.answerer]) {
      await expect.poll(() => node.exposeMetrics()).toContain('starling_network_payload_bytes 0')
    }
  })
})

describe('a peer that goes away', () => {
  test('fails what waits for it, and is found again when it is back elsewhere', async () => {
    await using pair = await aPair()
    const { asker, answerer } = pair
    const begun = Promise.withResolvers<void>()
    answerer.network.handle('onion', () => {
      begun.resolve()
      return new Promise(() => {})
    })
    const asked = pair.ask(Buffer.of(1))
    await begun.promise
    const [failure] = await Promise.allSettled([asked, answerer[Symbol.asyncDispose]()])
    expect(failure).toEqual({ status: 'rejected', reason: code('PEER_UNREACHABLE') })
    await expect(pair.ask(Buffer.of(2))).rejects.toEqual(code('PEER_UNREACHABLE'))

    const port = asker.network.contact(answerer.key)?.peerPort
    await using back = await createTestNode(answerer, asker.membership.members(), {
      bootstrapMultiaddrs: [asker.address()],
    })
    back.network.handle('onion', async (_from, payload) => payload)
    await back.network.start()
    await until(() => asker.network.contact(answerer.key)?.peerPort !== port)
    expect(await pair.ask(Buffer.of(3))).toEqual(Buffer.of(3))
  })

  test.each(['open', 'missing'])(
    'without a word is noticed while the stream is %s, and reached again when it speaks',
    async (stream) => {
      const [quiet, other] = [anIdentity(), anIdentity()]
      const members = [quiet.member, other.member]
      const listenPort = await aFreePort()
      await using proxy = await aProxyTo(listenPort)
      await using answerer = await createTestNode(quiet, members, { listenPort, announcePort: proxy.port })
      answerer.network.handle('onion', async (_from, payload) => payload)
      await answerer.network.start()
      const bootstrapMultiaddrs = [answerer.address()]
      await using asker = await createTestNode(other, members, { bootstrapMultiaddrs, dialTimeoutMs: 2000 })
      await asker.network.start()
      await until(() => asker.network.status().missing === 0)
      const ask = (ms: number) => asker.network.request(quiet.member.key, 'onion', Buffer.of(1), { timeoutMs: ms })
      expect(await ask(timeoutMs)).toEqual(Buffer.of(1))

      proxy.mute(true)
      if (stream === 'open') {
        for (let silence = 0; silence < 3; silence++) await expect(ask(50)).rejects.toEqual(code('PEER_TIMEOUT'))
      } else {
        const asked = asker.network.request(quiet.member.key, 'forward', Buffer.of(1), { timeoutMs })
        await expect(asked).rejects.toEqual(code('PEER_UNREACHABLE'))
      }
      await until(() => asker.network.status().connections === 0)
      proxy.mute(false)
      await until(() => asker.network.status().connections > 0)
      expect(await ask(timeoutMs)).toEqual(Buffer.of(1))
    },
  )
})

test('a peer that moved without a word is asked at once where its new record says', async () => {
  const [mover, other] = [anIdentity(), anIdentity()]
  const members = [mover.member, other.member]
  const listenPort = await aFreePort()
  await using proxy = await aProxyTo(listenPort)
  const before = await createTestNode(mover, members, { listenPort, announcePort: proxy.port })
  await using parts = new AsyncDisposableStack()
  parts.use(before)
  before.network.handle('onion', async (_from, payload) => payload)
  await before.network.start()
  const bootstrapMultiaddrs = [`/ip4/127.0.0.1/tcp/${proxy.port}`]
  await using asker = await createTestNode(other, members, { bootstrapMultiaddrs, stallTimeoutMs: 60_000 })
  await asker.network.start()
  await until(() => asker.network.status().missing === 0)
  const ask = () => asker.network.request(mover.member.key, 'onion', Buffer.of(1), { timeoutMs: 60_000 })
  expect(await ask()).toEqual(Buffer.of(1))

  proxy.mute(true)
  await parts.disposeAsync()
  await using after = await createTestNode(mover, members, { bootstrapMultiaddrs: [asker.address()] })
  after.network.handle('onion', async (_from, payload) => payload)
  await after.network.start()
  await until(() => asker.network.contact(mover.member.key)?.peerPort !== proxy.port)
  expect(await ask()).toEqual(Buffer.of(1))
})

describe('stake', () => {
  test('is needed to be let in: a stranger that knows the addresses is refused', async () => {
    await using started = await startNodes(2)
    const [first, second] = started.nodes as [TestNode, TestNode]
    const outsider = anIdentity()
    // It counts itself as a member; the others do not.
    await using stranger = await createTestNode(outsider, [...first.membership.members(), outsider.member], {
      bootstrapMultiaddrs: [first.address(), second.address()],
      joinRetryMinMs: 10,
    })
    await stranger.network.start()
    await expect
      .poll(() => first.exposeMetrics())
      .toContain('starling_network_connections_refused_total{reason="not-member"}')
    expect(stranger.network.contacts().map(({ key }) => key)).toEqual([outsider.member.key])
    expect(first.network.connected()).not.toContain(outsider.member.key)
    const asked = first.network.request(outsider.member.key, 'onion', Buffer.of(1), { timeoutMs })
    await expect(asked).rejects.toEqual(code('PEER_UNKNOWN'))
  })

  test('is needed to be dialled: a bootstrap address of a stranger leads nowhere', async () => {
    const [insider, outsider] = [anIdentity(), anIdentity()]
    await using stranger = await createTestNode(outsider, [insider.member, outsider.member])
    await stranger.network.start()
    // Without its peer id, who it is shows only in the handshake.
    const address = stranger.address().split('/p2p/')[0] ?? ''
    await using node = await createTestNode(insider, [insider.member], { bootstrapMultiaddrs: [address] })
    await node.network.start()
    await expect
      .poll(() => node.exposeMetrics())
      .toContain('starling_network_connections_refused_total{reason="not-member"}')
    expect(node.network.connected()).toEqual([])
  })

  test('that ends closes connections and refuses requests at once', async () => {
    await using started = await startNodes(3)
    const [first, second, third] = started.nodes as [TestNode, TestNode, TestNode]
    for (const { network } of started.nodes) network.handle('onion', async (_from, payload) => payload)
    await until(() => started.nodes.every(({ network }) => network.status().missing === 0))
    await second.network.request(first.key, 'onion', Buffer.of(1), { timeoutMs })
    const pending = Promise.withResolvers<Uint8Array>()
    first.network.handle('onion', () => pending.promise)
    const asked = second.network.request(first.key, 'onion', Buffer.of(1), { timeoutMs })
    const failed = expect(asked).rejects.toEqual(code('PEER_UNREACHABLE'))
    await until(() => first.network.connected().includes(second.key))

    const remaining = [first.member, third.member]
    first.membership.set(remaining)
    third.membership.set(remaining)
    await failed
    expect(first.network.connected()).not.toContain(second.key)
    expect(first.network.contact(second.key)).toBeUndefined()
    await expect(second.network.request(first.key, 'onion', Buffer.of(1), { timeoutMs })).rejects.toEqual(
      code('PEER_UNREACHABLE'),
    )
    await expect(first.network.request(second.key, 'onion', Buffer.of(1), { timeoutMs })).rejects.toEqual(
      code('PEER_UNKNOWN'),
    )
    // Those who stay go on.
    third.network.handle('onion', async (_from, payload) => payload)
    expect(await first.network.request(third.key, 'onion', Buffer.of(4), { timeoutMs })).toEqual(Buffer.of(4))
  })

  test('that comes later lets a waiting node in', async () => {
    const [early, late] = [anIdentity(), anIdentity()]
    await using node = await createTestNode(early, [early.member])
    await node.network.start()
    await using waiting = await createTestNode(late, [], { bootstrapMultiaddrs: [node.address()] })
    await waiting.network.start()
    expect(waiting.network.status().records).toBe(0)
    node.membership.set([early.member, late.member])
    waiting.membership.set([early.member, late.member])
    await until(() => node.network.status().missing === 0 && waiting.network.status().missing === 0)
  })
})

describe('finding each other', () => {
  test('takes one bootstrap node for all to know all', async () => {
    await using started = await startNodes(6)
    const { nodes } = started
    await until(() => nodes.every(({ network }) => network.status().missing === 0))
    const keys = nodes.map(({ key }) => key).sort()
    for (const { network } of nodes)
      expect(
        network
          .contacts()
          .map(({ key }) => key)
          .sort(),
      ).toEqual(keys)
  })

  test('works when all start at once, the bootstrap node last', async () => {
    const people = Array.from({ length: 4 }, anIdentity)
    const members = people.map(({ member }) => member)
    const port = await aFreePort()
    await using stack = new AsyncDisposableStack()
    const nodes: TestNode[] = []
    for (const [index, person] of people.entries()) {
      const options = { bootstrapMultiaddrs: [`/ip4/127.0.0.1/tcp/${port}`], listenPort: index === 0 ? port : 0 }
      nodes.push(stack.use(await createTestNode(person, members, options)))
    }
    await Promise.all(nodes.slice(1).map(({ network }) => network.start()))
    await nodes[0]?.network.start()
    await until(() => nodes.every(({ network }) => network.status().missing === 0))
  })

  test('reaches a bootstrap node that learned of the others last, and refused them until then', async () => {
    await using parts = new AsyncDisposableStack()
    const people = [anIdentity(), anIdentity(), anIdentity()] as const
    const members = people.map(({ member }) => member)
    const [late, second, third] = people
    const first = parts.use(await createTestNode(late, [late.member]))
    await first.network.start()
    const others: TestNode[] = []
    for (const person of [second, third]) {
      const bootstrapMultiaddrs = [first, ...others].map((node) => node.address())
      const node = parts.use(await createTestNode(person, members, { bootstrapMultiaddrs }))
      await node.network.start()
      others.push(node)
    }
    await until(() => others.every(({ network }) => network.contacts().length === 2))
    expect(first.network.contacts()).toHaveLength(1)
    first.membership.set(members)
    await until(() => [first, ...others].every(({ network }) => network.status().missing === 0))
  })

  test('needs no bootstrap node after a restart', async () => {
    const dataFolder = await mkdtemp(join(tmpdir(), 'starling-network-'))
    await using _folder = { [Symbol.asyncDispose]: () => rm(dataFolder, { recursive: true }) }
    await using started = await startNodes(3)
    const [first, second] = started.nodes as [TestNode, TestNode]
    const person = anIdentity()
    const members = [...first.membership.members(), person.member]
    for (const { membership } of started.nodes) membership.set(members)
    {
      await using node = await createTestNode(person, members, { bootstrapMultiaddrs: [first.address()], dataFolder })
      await node.network.start()
      await until(() => node.network.status().missing === 0)
    }
    await using again = await createTestNode(person, members, { dataFolder })
    await again.network.start()
    await until(() => again.network.connected().length > 0)
    second.network.handle('onion', async (_from, payload) => payload)
    expect(await again.network.request(second.key, 'onion', Buffer.of(5), { timeoutMs })).toEqual(Buffer.of(5))
  })

  test('spreads a record that changed', async () => {
    await using started = await startNodes(3)
    const { nodes } = started
    await until(() => nodes.every(({ network }) => network.status().missing === 0))
    const [changed, ...others] = nodes as [TestNode, ...TestNode[]]
    // Each is passed on, however soon it follows: nobody waits for the next exchange.
    for (let time = 0; time < 3; time++) {
      const before = changed.network.contact(changed.key)?.timestampMs ?? 0
      changed.network.republish()
      await until(() => others.every(({ network }) => (network.contact(changed.key)?.timestampMs ?? 0) > before))
    }
  })
})

test('limits that allow more memory than the cap are refused before anything is opened', async () => {
  const person = anIdentity()
  const made = createTestNode(person, [person.member], { connectionsMax: 100_000 })
  await expect(made).rejects.toEqual(code('LIMITS_EXCEED_MEMORY'))
})

test('a bootstrap address that is none is refused', async () => {
  const person = anIdentity()
  const made = createTestNode(person, [person.member], { bootstrapMultiaddrs: ['seed.example.org:22020'] })
  await expect(made).rejects.toEqual(code('BOOTSTRAP_INVALID'))
})

test('a port that is taken is reported', async () => {
  await using started = await startNodes(1)
  const port = Number(started.nodes[0]?.address().split('/')[4])
  const person = anIdentity()
  await using node = await createTestNode(person, [person.member], { listenPort: port })
  await expect(node.network.start()).rejects.toEqual(code('LISTEN_FAILED'))
})

test('someone who connects and says nothing is dropped', async () => {
  await using started = await startNodes(1, { dialTimeoutMs: 100 })
  const socket = connectTcp(Number(started.nodes[0]?.address().split('/')[4]), '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
})

async function aFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Passes connections on to a port of this host, and while muted nothing of what they say. */
async function aProxyTo(target: number) {
  let muted = false
  const sockets = new Set<Socket>()
  const server = createServer((inbound) => {
    const outbound = connectTcp(target, '127.0.0.1')
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => muted || to.write(bytes))
      from.on('error', () => {})
      from.on('close', () => muted || to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    mute(on: boolean) {
      muted = on
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
