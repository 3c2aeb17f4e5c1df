import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, Stream, StreamMessageEvent } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { raceSignal } from '../../src/base/deadline.ts'
import type { Ed25519KeyPair } from '../../src/crypto/keys.ts'
import { toPrivateKey } from '../../src/network/peer-identity.ts'
import { type NetworkId, peerProtocolId } from '../../src/protocol/network-id.ts'
import { encodeFrame, type Frame, FrameDecoder } from '../../src/protocol/peer-api/frame.ts'

const ANSWER_MAX_BYTES = 1024 * 1024
const WAIT_MAX_MS = 20_000

/** A libp2p peer with a key of its own and nothing else of a service node: no rules, no stake, no manners. */
export class Stranger implements AsyncDisposable {
  readonly #host: Libp2p
  readonly #network: NetworkId

  private constructor(host: Libp2p, network: NetworkId) {
    this.#host = host
    this.#network = network
  }

  static async create(identity: Ed25519KeyPair, network: NetworkId): Promise<Stranger> {
    const host = await createLibp2p({
      privateKey: toPrivateKey(identity),
      addresses: { listen: [] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: () => false },
      connectionMonitor: { enabled: false },
    })
    return new Stranger(host, network)
  }

  /** Dials a node anew and asks it. The answer, or undefined when the node gives none and ends what was begun. */
  async ask(address: string, protocol: string, payload: Uint8Array): Promise<Frame | undefined> {
    return this.sendRaw(address, protocol, [encodeFrame({ kind: 'request', id: 1, timeoutMs: 10_000, payload })])
  }

  /** Sends bytes that need not be frames, over a stream that the node has opened to us. */
  async sendRaw(address: string, protocol: string, chunks: readonly Uint8Array[]): Promise<Frame | undefined> {
    const signal = AbortSignal.timeout(WAIT_MAX_MS)
    try {
      const connection = await this.#host.dial(multiaddr(address), { signal, force: true })
      const ended = new Promise<undefined>((resolve) => connection.addEventListener('close', () => resolve(undefined)))
      try {
        const stream = await connection.newStream(peerProtocolId(this.#network, protocol), { signal })
        const answered = firstFrame(stream)
        for (const chunk of chunks) stream.send(chunk)
        return await raceSignal(Promise.race([answered, ended]), signal)
      } finally {
        connection.abort(new Error('Enough'))
      }
    } catch (error) {
      if (signal.aborted) throw new Error('The node neither answers nor ends the connection', { cause: error })
      return undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.stop()
  }
}

/** The first frame that comes, or undefined when the stream ends before it. */
function firstFrame(stream: Stream): Promise<Frame | undefined> {
  return new Promise((resolve) => {
    const decoder = new FrameDecoder(
      { accept: () => true, deliver: resolve },
      { sizeMax: ANSWER_MAX_BYTES, kinds: ['response', 'failure'] },
    )
    stream.addEventListener('message', ({ data }: StreamMessageEvent) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) decoder.push(chunk)
    })
    stream.addEventListener('close', () => resolve(undefined))
    stream.addEventListener('remoteCloseWrite', () => resolve(undefined))
  })
}
