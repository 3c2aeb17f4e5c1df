// The same requests through an onion: three hops and a destination, all of them real service nodes. Against a bare HTTPS server that
// does the same cryptography in one place: it opens the four layers, checks the signature, signs the result, and seals the reply.
import { join } from 'node:path'
import type { DevnetNode } from '../devnet/network.ts'
import { toHex, utf8 } from '../src/base/bytes.ts'
import { parseX25519PublicKey, toX25519KeyPair } from '../src/crypto/keys.ts'
import { readKeyFiles } from '../src/node/key-files.ts'
import { buildOnionRequest, type OnionPathNode } from '../src/protocol/onion/request.ts'
import { openOnionReply } from '../src/protocol/onion/response.ts'
import { bareTarget, startBareServer } from './bare-server.ts'
import { nodeServer, startClientNetwork } from './client-network.ts'
import { askOnce, METHOD_NAMES, type Method, prepareRequests } from './client-requests.ts'
import { figuresInRatio, type RatioGoals } from './figures.ts'
import { compareServers, type Request } from './https-load.ts'
import type { Benchmark, Ratio } from './ratio.ts'

const CLIENTS = 64
const PATH = '/onion_req/v2'
/** What sealing a reply adds: nonce and tag. */
const SEAL_BYTES = 28

const CASES: readonly { method: Method; goals: RatioGoals }[] = [
  { method: 'store', goals: { rate: 0.12, p99: 0.3, processor: 0.1 } },
  { method: 'retrieve', goals: { rate: 0.1, p99: 0.15, processor: 0.06 } },
]

export const benchmark: Benchmark = {
  name: 'client-onion',
  async run() {
    await using network = await startClientNetwork()
    await using bare = await startBareServer(join(network.folder, 'bare'))
    const [guard, second, third, destination, fifth] = network.nodes
    const hops = [guard, second, third]
    const requests = await prepareRequests(destination)
    const wrapped = (method: Method) => (count: number) => wrap(requests.of[method](count), hops, destination)
    const { target } = nodeServer(guard, PATH)
    const sizeOf = async (method: Method) => replySize(await askOnce(target, wrapped(method)(1)))
    const answerBytes = { store: await sizeOf('store'), retrieve: await sizeOf('retrieve') }
    await bare.set({ answerBytes, secretKeys: await Promise.all([...hops, destination].map(secretKeyOf)) })

    const ratios: Ratio[] = []
    for (const { method, goals } of CASES) {
      // A store is work for the whole swarm, a retrieve for those on its way.
      const working = [...hops, destination, ...(method === 'store' ? [fifth] : [])]
      const figures = await compareServers(nodeServer(guard, PATH, working), bareTarget(bare, PATH), {
        clients: CLIENTS,
        fresh: false,
        requests: wrapped(method),
        requestsMax: 600,
      })
      ratios.push(...figuresInRatio(`${METHOD_NAMES[method]} through an onion`, figures, goals))
    }
    return ratios
  },
}

/** A relay takes no request twice, so each has keys of its own. */
function wrap(requests: readonly Request[], hops: readonly DevnetNode[], destination: DevnetNode): readonly Request[] {
  const path = hops.map(onionNode)
  return requests.map(({ body: payload, check }) => {
    const { body, replyKey } = buildOnionRequest({
      path,
      destination: { kind: 'service-node', ...onionNode(destination) },
      payload,
      encryption: 'aes-gcm',
    })
    const checkReply = (answer: Buffer) => {
      const { status, body: reply } = openOnionReply(replyKey, answer)
      if (status !== 200 || typeof reply !== 'string') throw new Error(`The destination answered ${status}: ${reply}`)
      check?.(Buffer.from(utf8(reply)))
    }
    return { body, check: checkReply }
  })
}

function onionNode({ key, x25519 }: DevnetNode): OnionPathNode {
  const parsed = parseX25519PublicKey(x25519)
  if (parsed === undefined) throw new Error('A node has no key')
  return { ed25519: key, x25519: parsed }
}

async function secretKeyOf({ folder }: DevnetNode): Promise<string> {
  const { ed25519 } = await readKeyFiles(join(folder, 'keys'))
  return toHex(toX25519KeyPair(ed25519).secretKey)
}

/** Bytes of the reply before it was sealed and written as base64. */
function replySize(answer: Buffer): number {
  return Buffer.from(answer.toString(), 'base64').length - SEAL_BYTES
}
