import { json } from 'node:stream/consumers'
import { startLoopbackServer } from '../../../devnet/loopback-server.ts'
import { toHex } from '../../../src/base/bytes.ts'
import { aggregateBlsSignatures, BlsMessage, blsPublicKey, blsSign } from '../../../src/crypto/bls.ts'
import { type BlsTags, exitMessage, liquidateMessage, rewardMessage } from '../../../src/crypto/bls-messages.ts'
import type { TestNode } from './staked-chain.ts'

export interface SessionNetwork {
  readonly tags: BlsTags
  /** By contract id. */
  members(): ReadonlyMap<number, TestNode>
  /** Of its own ledger. */
  totalOf(recipient: `0x${string}`): bigint
  nowMs(): number
}

export interface SessionNode extends AsyncDisposable {
  readonly url: string
  /** Ids that do not sign. */
  silent: number[]
  /** What is answered instead. */
  change: (answer: Record<string, unknown>) => unknown
  readonly asked: unknown[]
}

/** Does what one of Session's nodes does when it is asked for signatures, with the fields and forms of its answers and the members' real keys. */
export async function startSessionNode(network: SessionNetwork): Promise<SessionNode> {
  const { tags } = network
  const state = {
    silent: [] as number[],
    change: (answer: Record<string, unknown>): unknown => answer,
    asked: [] as unknown[],
  }
  const signed = (message: Uint8Array) => {
    const hashed = new BlsMessage(message, tags.hashToG2)
    const signers = [...network.members()].filter(([id]) => !state.silent.includes(id))
    const sum = aggregateBlsSignatures(signers.map(([, { blsSecretKey }]) => blsSign(blsSecretKey, hashed)))
    if (sum === undefined) throw new Error('Nobody signed')
    return { msg_to_sign: toHex(message), signature: toHex(sum), non_signer_indices: state.silent, status: 'OK' }
  }
  const answerOf = (method: string, params: Record<string, unknown>) => {
    if (method === 'bls_rewards_request') {
      const address = params['address'] as `0x${string}`
      const total = network.totalOf(address)
      return { address, amount: Number(total), height: 2_000_000, ...signed(rewardMessage(tags, address, total)) }
    }
    const node = [...network.members().values()].find(({ keys }) => keys.key === params['pubkey'])
    if (method !== 'bls_exit_liquidation_request' || node === undefined) return undefined
    const timestamp = Math.floor(network.nowMs() / 1000)
    const messageOf = params['liquidate'] === true ? liquidateMessage : exitMessage
    const publicKey = blsPublicKey(node.blsSecretKey)
    return { bls_pubkey: node.keys.bls, timestamp, ...signed(messageOf(tags, publicKey, timestamp)) }
  }
  const server = await startLoopbackServer(0, async (request, response) => {
    const call = (await json(request)) as { id: number; method: string; params: Record<string, unknown> }
    const { id, method, params } = call
    state.asked.push({ method, params })
    const answer = answerOf(method, params)
    const result = answer === undefined ? undefined : state.change(answer)
    const error = { code: -1, message: 'Node is not removable' }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) }))
  })
  return Object.assign(state, {
    url: `${server.url}json_rpc`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  })
}
