import {
  type Chain,
  createPublicClient,
  createWalletClient,
  defineChain,
  type HttpTransport,
  http,
  type PublicClient,
  type WalletClient,
} from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { type DurationMs, SECOND } from '../base/clock.ts'
import type { Hex } from './chain-reply.ts'

/** What the operator's transactions are made and sent with. */
export interface OperatorAccount {
  readonly address: Hex
  readonly chain: PublicClient<HttpTransport, Chain>
  readonly wallet: WalletClient<HttpTransport, Chain, PrivateKeyAccount>
}

export interface OperatorAccountOptions {
  readonly rpcUrl: string
  readonly chainId: number
  readonly requestTimeoutMs: DurationMs
  readonly replyMaxBytes: number
}

/** How often a receipt is looked for. */
const RECEIPT_POLL_MS: DurationMs = SECOND / 2

/** The private key stays in this object; nothing of it is ever shown or sent. */
export function createOperatorAccount(privateKey: Hex, options: OperatorAccountOptions): OperatorAccount {
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
    // For reads. A transaction is sent once.
    retryCount: 2,
  })
  const account = privateKeyToAccount(privateKey)
  return {
    address: account.address,
    chain: createPublicClient({ chain, transport, pollingInterval: RECEIPT_POLL_MS, cacheTime: 0 }),
    wallet: createWalletClient({ account, chain, transport }),
  }
}
