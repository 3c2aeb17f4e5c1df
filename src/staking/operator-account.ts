import { createPublicClient, createWalletClient, defineChain, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { type DurationMs, SECOND } from '../base/clock.ts'
import type { Hex } from './chain-reply.ts'

/** What the operator's transactions are made and sent with. */
export type OperatorAccount = ReturnType<typeof createOperatorAccount>

export interface OperatorAccountOptions {
  readonly rpcUrl: string
  readonly chainId: number
  readonly requestTimeoutMs: DurationMs
  readonly replyMaxBytes: number
}

/** How often a receipt is looked for. */
const RECEIPT_POLL_MS: DurationMs = SECOND / 2

/** The private key stays in this object; nothing of it is ever shown or sent. */
export function createOperatorAccount(privateKey: Hex, options: OperatorAccountOptions) {
  const chain = defineChain({
    id: options.chainId,
    name: `chain ${options.chainId}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [options.rpcUrl] } },
  })
  const transport = http(options.rpcUrl, {
    timeout: options.requestTimeoutMs,
    maxResponseBodySize: options.replyMaxBytes,
    fetchOptions: { redirect: 'error' },
    // Reading again does no harm, and sending the same signed transaction again neither.
    retryCount: 2,
  })
  const account = privateKeyToAccount(privateKey)
  return {
    address: account.address,
    chain: createPublicClient({ chain, transport, pollingInterval: RECEIPT_POLL_MS, cacheTime: 0 }),
    wallet: createWalletClient({ account, chain, transport }),
  }
}
