import { getAddress } from 'viem'
import type { JsonObject } from '../../protocol/json.ts'
import type { CallPlan } from './plan.ts'
import { safeChecksum } from './safe-checksum.ts'

// Transactions to be signed elsewhere: on an offline machine, by a hardware wallet, or by a Safe.

/** All that a signer needs, in JSON-RPC's form (quantities in hex), so that any tool can read it. */
export interface UnsignedTransaction {
  readonly type: '0x2'
  readonly chainId: string
  readonly from: string
  readonly nonce: string
  readonly to: string
  readonly value: '0x0'
  readonly data: string
  readonly gas: string
  readonly maxFeePerGas: string
  readonly maxPriorityFeePerGas: string
}

export function unsignedTransactions(plan: CallPlan): readonly UnsignedTransaction[] {
  return plan.calls.map(({ call, data, gas }, index) => ({
    type: '0x2',
    chainId: quantity(plan.chainId),
    from: plan.from,
    nonce: quantity(plan.nonce + index),
    to: getAddress(call.to),
    value: '0x0',
    data,
    gas: quantity(gas),
    maxFeePerGas: quantity(plan.maxFeePerGas),
    maxPriorityFeePerGas: quantity(plan.maxPriorityFeePerGas),
  }))
}

/** A batch as Safe's Transaction Builder imports it: the Safe makes nonce, gas and fees itself. */
export function safeBatch(plan: CallPlan, name: string, createdAtMs: number): JsonObject {
  const description = plan.calls.map(({ call }) => call.title).join('; ')
  const meta = { name, description, createdFromSafeAddress: plan.from, createdFromOwnerAddress: '' }
  const batch = {
    version: '1.0',
    chainId: String(plan.chainId),
    createdAt: createdAtMs,
    transactions: plan.calls.map(({ call, data }) => ({ to: getAddress(call.to), value: '0', data })),
  }
  return { ...batch, meta: { ...meta, checksum: safeChecksum({ ...batch, meta }) } }
}

function quantity(value: number | bigint): string {
  return `0x${value.toString(16)}`
}
