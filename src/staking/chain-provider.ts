import {
  type ChainBlock,
  type ChainLog,
  type Hex,
  malformed,
  parseBlock,
  parseData,
  parseHash,
  parseLogs,
  parseQuantity,
} from './chain-reply.ts'
import type { RpcClient } from './rpc-client.ts'

export type BlockTag = 'finalized' | 'latest'

/** The few questions that are put to one provider, with strictly read answers. */
export interface ChainProvider {
  /** Place in the configured order. */
  readonly index: number
  /** What may be shown of its URL. */
  readonly host: string
  chainId(signal: AbortSignal): Promise<bigint>
  /** Undefined when the provider has no such block. */
  block(at: bigint | BlockTag, signal: AbortSignal): Promise<ChainBlock | undefined>
  /** The bytes that a call returns on the state after the block. */
  call(call: { to: Hex; data: Hex }, at: bigint, signal: AbortSignal): Promise<Hex>
  hasCode(address: Hex, at: bigint, signal: AbortSignal): Promise<boolean>
  /** 0x where there is none. */
  code(address: Hex, at: bigint, signal: AbortSignal): Promise<Hex>
  /** One word of a contract's storage. */
  storage(address: Hex, slot: Hex, at: bigint, signal: AbortSignal): Promise<Hex>
  /** The logs that any of the addresses emitted with one of the topics, in the order of the chain. */
  logs(
    filter: { addresses: readonly Hex[]; topics: readonly Hex[]; from: bigint; to: bigint },
    signal: AbortSignal,
  ): Promise<readonly ChainLog[]>
}

export function createChainProvider(rpc: RpcClient, index: number): ChainProvider {
  const codeOf = async (address: Hex, at: bigint, signal: AbortSignal) =>
    parseData(await rpc.request('eth_getCode', [address, quantity(at)], signal), 'code')
  return {
    index,
    host: rpc.host,
    async chainId(signal) {
      return parseQuantity(await rpc.request('eth_chainId', [], signal), 'the chain id')
    },
    async block(at, signal) {
      const asked = typeof at === 'bigint' ? quantity(at) : at
      const block = parseBlock(await rpc.request('eth_getBlockByNumber', [asked, false], signal))
      if (typeof at === 'bigint' && block !== undefined && block.number !== at) throw malformed('another block')
      return block
    },
    async call(call, at, signal) {
      return parseData(await rpc.request('eth_call', [call, quantity(at)], signal), "a call's result")
    },
    async hasCode(address, at, signal) {
      return (await codeOf(address, at, signal)) !== '0x'
    },
    code: codeOf,
    async storage(address, slot, at, signal) {
      return parseHash(await rpc.request('eth_getStorageAt', [address, slot, quantity(at)], signal), 'a storage word')
    },
    async logs({ addresses, topics, from, to }, signal) {
      const filter = { address: addresses, topics: [topics], fromBlock: quantity(from), toBlock: quantity(to) }
      return parseLogs(await rpc.request('eth_getLogs', [filter], signal), { from, to })
    },
  }
}

function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`
}
