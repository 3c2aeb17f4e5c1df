import { decodeFunctionResult, encodeFunctionResult, type Hex } from 'viem'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import { ALL_IDS_CALL, memberCall } from '../../../src/staking/member-codec.ts'
import type { Behaviour } from './rpc-proxy.ts'

// False answers that are well formed and agree with each other, as somebody would give them who wants to be believed.

export type Lie = Extract<Behaviour, { kind: 'lying' }>['lie']

const IDS = { abi: serviceNodeRewardsAbi, functionName: 'allServiceNodeIDs' } as const
const NODE = { abi: serviceNodeRewardsAbi, functionName: 'serviceNodes' } as const
const IMPOSTOR_ID = 999n
const IMPOSTOR_BLS = { X: 12_345n, Y: 67_890n }
const IMPOSTOR_KEY = 0xabcdefn

/** Somebody who never paid a stake is in the list, and there are no logs. */
export const addsImpostor: Lie = (method, result, params) => {
  if (method === 'eth_getLogs') return []
  if (method !== 'eth_call') return result
  const data = callData(params)
  if (data === ALL_IDS_CALL) {
    const [ids, keys] = decodeFunctionResult({ ...IDS, data: result as Hex })
    return encodeFunctionResult({
      ...IDS,
      result: [
        [...ids, IMPOSTOR_ID],
        [...keys, IMPOSTOR_BLS],
      ],
    })
  }
  if (data !== memberCall(IMPOSTOR_ID)) return result
  const nobody = decodeFunctionResult({ ...NODE, data: result as Hex })
  const node = { ...nobody, blsPubkey: IMPOSTOR_BLS, ed25519Pubkey: IMPOSTOR_KEY, addedTimestamp: 1n, deposit: 25n }
  return encodeFunctionResult({ ...NODE, result: node })
}

/** The member that came first is gone, and there are no logs. */
export const removesMember: Lie = (method, result, params) => {
  if (method === 'eth_getLogs') return []
  if (method !== 'eth_call' || callData(params) !== ALL_IDS_CALL) return result
  const [ids, keys] = decodeFunctionResult({ ...IDS, data: result as Hex })
  return encodeFunctionResult({ ...IDS, result: [ids.slice(1), keys.slice(1)] })
}

/** The newest final block has another number or time. */
export function claimsHead(claim: (head: { number: bigint; timestampS: bigint }) => typeof head): Lie {
  return (method, result, [tag]) => {
    if (method !== 'eth_getBlockByNumber' || tag !== 'finalized') return result
    const block = result as { number: string; timestamp: string }
    const { number, timestampS } = claim({ number: BigInt(block.number), timestampS: BigInt(block.timestamp) })
    return { ...block, number: hex(number), timestamp: hex(timestampS) }
  }
}

function callData(params: readonly unknown[]): unknown {
  return (params[0] as { data?: unknown }).data
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`
}
