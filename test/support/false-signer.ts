import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { createMetricsRegistry } from '../../src/base/metrics.ts'
import { BlsMessage, blsSign, generateBlsSecretKey } from '../../src/crypto/bls.ts'
import { blsTags } from '../../src/crypto/bls-messages.ts'
import { createNetworkMetrics } from '../../src/network/metrics.ts'
import { defaultNetworkOptions } from '../../src/network/options.ts'
import { createPeerNetwork, type PeerNetwork } from '../../src/network/peer-network.ts'
import type { ServiceNodeKeys } from '../../src/node/key-files.ts'
import { networkIdOf } from '../../src/protocol/network-id.ts'
import {
  decodeSignatureRequest,
  encodeSignatureAnswer,
  type SignatureRequest,
} from '../../src/protocol/peer-api/signature-request.ts'
import { type Member, type ServiceNodeKey, serviceNodeKey } from '../../src/protocol/service-node.ts'
import { signedMessageOf } from '../../src/staking/signatures/signed-message.ts'

/** Whom it passes for, and where. */
export interface FalseSignerPlace {
  /** Of the member whose place it takes. */
  readonly keys: ServiceNodeKeys
  readonly members: readonly Member[]
  readonly chainId: number
  readonly contract: `0x${string}`
  readonly ip: string
  readonly peerPort: number
  readonly httpsPort: number
  readonly bootstrap: readonly string[]
}

/**
 * Runs in a member's place, with its stake and its keys, and answers each request to sign with a lie that looks like a signature:
 * removals are signed with its own key for another minute, rewards are signed rightly with another key.
 */
export class FalseSigner implements AsyncDisposable {
  /** What it was asked to sign, in this order. */
  readonly asked: SignatureRequest['kind'][] = []
  readonly #network: PeerNetwork

  private constructor(network: PeerNetwork) {
    this.#network = network
  }

  static async start({ keys, members, chainId, contract, ...place }: FalseSignerPlace): Promise<FalseSigner> {
    const key = serviceNodeKey(keys.ed25519.publicKey)
    const own = members.find((member) => member.key === key)
    if (own === undefined) throw new Error('Only a member is asked to sign')
    const network = await createPeerNetwork(
      {
        identity: keys.ed25519,
        network: networkIdOf(chainId, contract),
        membership: {
          isMember: (other) => members.some((member) => member.key === other),
          members: () => members,
          onChange: () => () => {},
        },
        ownRecord: () => ({
          ...{ contractId: own.id, bls: own.bls, publicIp: place.ip, httpsPort: place.httpsPort, version: [0, 1, 0] },
          epoch: { index: 1, blockHash: `0x${'00'.repeat(32)}`, root: '00'.repeat(32) },
        }),
        ...{ clock: systemClock, log: silentLogger, metrics: createNetworkMetrics(createMetricsRegistry()) },
      },
      {
        ...defaultNetworkOptions,
        ...{ listenAddress: place.ip, listenPort: place.peerPort, allowPrivateAddresses: true },
        bootstrapMultiaddrs: place.bootstrap,
      },
    )
    const signer = new FalseSigner(network)
    const tags = blsTags(chainId, contract)
    network.handle('sign', async (_, payload) => {
      const request = decodeSignatureRequest(payload)
      signer.asked.push(request.kind)
      const isReward = request.kind === 'reward'
      const subject = signedMessageOf(isReward ? request : { ...request, timestampS: request.timestampS + 60 }, tags)
      if (subject === undefined) throw new Error('The key in a request is none')
      const secretKey = isReward ? generateBlsSecretKey() : keys.bls.secretKey
      return encodeSignatureAnswer({ signature: blsSign(secretKey, new BlsMessage(subject.message, subject.tag)) })
    })
    await network.start()
    return signer
  }

  connected(): readonly ServiceNodeKey[] {
    return this.#network.connected()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]()
  }
}
