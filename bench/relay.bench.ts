// One request and answer of 1 KiB between two processes: over our framed stream, and over bare TLS with length-prefixed
// frames, 64 under way at once. The other end of both is the same child process, so both share its core alike.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { type Benchmark, compare } from './ratio.ts'
import { members, presharedKey, readBareFrames, startBenchNode, tlsSuite, writeBareFrames } from './relay-network.ts'

const UNDER_WAY = 64
/** Requests of one call of the measured work, so that starting and ending it weighs little. */
const REQUESTS = 1024
const WARM_UP_ROUNDS = 40
const payload = Buffer.alloc(1024, 7)

export const benchmark: Benchmark = {
  name: 'relay',
  async run() {
    const child = fork(`${import.meta.dirname}/relay-peer.ts`, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    await using _child = { [Symbol.asyncDispose]: () => end(child) }
    const [{ tlsPort, multiaddr }] = (await once(child, 'message')) as [{ tlsPort: number; multiaddr: string }]

    const answerer = members[1]?.key
    if (answerer === undefined) throw new Error('There are two nodes')
    await using node = await startBenchNode(0, [multiaddr])
    while (node.contact(answerer) === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
    const socket = connect({
      ...tlsSuite,
      port: tlsPort,
      host: '127.0.0.1',
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk: presharedKey, identity: 'bench' }),
    })
    using _socket = { [Symbol.dispose]: () => socket.destroy() }
    await once(socket, 'secureConnect')
    const askBare = bareAsker(socket)

    const askOurs = () => node.request(answerer, 'onion', payload, { timeoutMs: 5000 })
    // Two processes have a lot to compile: without this, the first rounds would measure that.
    for (let round = 0; round < WARM_UP_ROUNDS; round++) {
      await many(askOurs)
      await many(askBare)
    }
    const { ours, limit } = await compare(
      () => many(askOurs),
      () => many(askBare),
    )
    return [
      {
        name: 'Request and answer of 1 KiB between two nodes',
        ours: ours * REQUESTS,
        limitName: 'bare TLS with frames of the same payload',
        limit: limit * REQUESTS,
        goal: 0.5,
      },
    ]
  },
}

async function many(ask: () => Promise<unknown>): Promise<void> {
  let left = REQUESTS
  const lane = async () => {
    while (left-- > 0) await ask()
  }
  await Promise.all(Array.from({ length: UNDER_WAY }, lane))
}

function bareAsker(socket: TLSSocket): () => Promise<unknown> {
  const waiting = new Map<number, (payload: Buffer) => void>()
  let lastId = 0
  socket.setNoDelay(true)
  socket.on(
    'data',
    readBareFrames((id, answer) => {
      waiting.get(id)?.(answer)
      waiting.delete(id)
    }),
  )
  const write = writeBareFrames((bytes) => socket.write(bytes))
  return () =>
    new Promise((resolve) => {
      const id = ++lastId
      waiting.set(id, resolve)
      write(id, payload)
    })
}

async function end(child: ChildProcess): Promise<void> {
  child.kill()
  if (child.exitCode === null) await once(child, 'exit')
}
