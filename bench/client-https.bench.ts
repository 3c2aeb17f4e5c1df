// What clients ask most, over HTTPS: a store of 1 KiB into a swarm of five, answered when all five have it on disk, and a page of 30
// messages. Against a bare HTTPS server that does only the same cryptography, and answers as many bytes.
import { join } from 'node:path'
import { bareTarget, startBareServer } from './bare-server.ts'
import { nodeServer, startClientNetwork } from './client-network.ts'
import { askOnce, METHOD_NAMES, type Method, prepareRequests } from './client-requests.ts'
import { figuresInRatio, type RatioGoals } from './figures.ts'
import { compareServers } from './https-load.ts'
import type { Benchmark, Ratio } from './ratio.ts'

const CLIENTS = 64
/** Fewer, since a connection costs both sides more than a request. */
const FRESH_CLIENTS = 16

const CASES: readonly { method: Method; fresh: boolean; goals: RatioGoals }[] = [
  { method: 'store', fresh: false, goals: { rate: 0.1, p99: 0.2, processor: 0.15 } },
  { method: 'store', fresh: true, goals: { rate: 0.2, p99: 0.25, processor: 0.25 } },
  { method: 'retrieve', fresh: false, goals: { rate: 0.2, p99: 0.3, processor: 0.2 } },
  { method: 'retrieve', fresh: true, goals: { rate: 0.5, p99: 0.5, processor: 0.4 } },
]

export const benchmark: Benchmark = {
  name: 'client-https',
  async run() {
    await using network = await startClientNetwork()
    await using bare = await startBareServer(join(network.folder, 'bare'))
    const [node] = network.nodes
    const ours = nodeServer(node)
    const requests = await prepareRequests(node)
    const sizeOf = async (method: Method) => (await askOnce(ours.target, requests.of[method](1))).length
    const answerBytes = { store: await sizeOf('store'), retrieve: await sizeOf('retrieve') }
    await bare.set({ answerBytes, secretKeys: [] })

    const ratios: Ratio[] = []
    for (const { method, fresh, goals } of CASES) {
      const figures = await compareServers(ours, bareTarget(bare), {
        clients: fresh ? FRESH_CLIENTS : CLIENTS,
        fresh,
        requests: requests.of[method],
        requestsMax: 2_000,
      })
      const name = `${METHOD_NAMES[method]} over HTTPS, ${fresh ? 'a connection each' : 'connections kept'}`
      ratios.push(...figuresInRatio(name, figures, goals))
    }
    return ratios
  },
}
