// One request and answer of 1 KiB between two processes: over our framed stream, and over bare TLS with length-prefixed
// frames, 64 under way at once. The other end of both is the same child process, so both share its core alike. The limit
// does all that a protocol of this kind cannot do without: ids, padding to the same size classes, one asynchronous handler
// per request, one write per turn. It has no deadlines, no limits, no metrics and no membership.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { type Benchmark, compare } from './ratio.ts'
import { members, presharedKey, readBareFrames, startBenchNode, tlsSuite, writeBareFrames } from './relay-network.ts'

const UNDER_WAY = 64
/** Requests of one call of the measured work, so that starting and ending it weighs little. */
const REQUESTS = 1024
const WARM_UP_ROUNDS = 40
const CPU_ROUNDS = 5
const CPU_CALLS = 20
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
    const cpu = await compareCpu(child, askOurs, askBare)
    return [
      {
        name: 'Request and answer of 1 KiB between two nodes',
        ours: ours * REQUESTS,
        limitName: 'bare TLS with frames of the same payload',
        limit: limit * REQUESTS,
        goal: 0.5,
      },
      {
        name: 'The same per second of processor time of both ends',
        ours: cpu.ours,
        limitName: 'bare TLS with frames of the same payload',
        limit: cpu.limit,
        goal: 0.5,
      },
    ]
  },
}

type Ask = () => Promise<unknown>

/** Requests per second of processor time, both processes taken together: other work on the machine changes it little. */
async function compareCpu(child: ChildProcess, askOurs: Ask, askBare: Ask): Promise<{ ours: number; limit: number }> {
  const spentUs = { ours: 0, limit: 0 }
  for (let round = 0; round < CPU_ROUNDS; round++) {
    for (const [which, ask] of [
      ['ours', askOurs],
      ['limit', askBare],
    ] as const) {
      const beforeUs = await cpuUs(child)
      for (let call = 0; call < CPU_CALLS; call++) await many(ask)
      spentUs[which] += (await cpuUs(child)) - beforeUs
    }
  }
  const requests = CPU_ROUNDS * CPU_CALLS * REQUESTS * 1_000_000
  return { ours: requests / spentUs.ours, limit: requests / spentUs.limit }
}

/** Microseconds of processor time that this process and the other have used. */
async function cpuUs(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [theirs] = (await once(child, 'message')) as [NodeJS.CpuUsage]
  const own = process.cpuUsage()
  return own.user + own.system + theirs.user + theirs.system
}

async function many(ask: Ask): Promise<void> {
  let left = REQUESTS
  const lane = async () => {
    while (left-- > 0) await ask()
  }
  await Promise.all(Array.from({ length: UNDER_WAY }, lane))
}

function bareAsker(socket: TLSSocket): Ask {
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
