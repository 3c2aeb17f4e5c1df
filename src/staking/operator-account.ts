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
import type { DurationMs } from '../base/clock.ts'
import type { Hex } from './chain-reply.ts'

/** An account and the chain as one provider shows it: enough to look and to simulate. */
export interface OperatorView {
  readonly address: Hex
  readonly chain: PublicClient<HttpTransport, Chain>
  /** The same chain as other providers show it, for what one of them is not believed alone. */
  readonly witnesses: readonly PublicClient<HttpTransport, Chain>[]
}

/** What the operator's transactions are made and sent with. */
export interface OperatorAccount extends OperatorView {
  readonly wallet: WalletClient<HttpTransport, Chain, PrivateKeyAccount>
}

export interface OperatorAccountOptions {
  readonly rpcUrl: string
  readonly witnessUrls?: readonly string[]
  readonly chainId: number
  readonly requestTimeoutMs: DurationMs
  readonly replyMaxBytes: number
}

/** The private key stays in this object; nothing of it is ever shown or sent. */
export function createOperatorAccount(privateKey: Hex, options: OperatorAccountOptions): OperatorAccount {
  const account = privateKeyToAccount(privateKey)
  const [chain, transport] = accessOf(options)
  return {
    ...createOperatorView(account.address, options),
    wallet: createWalletClient({ account, chain, transport }),
  }
}

/** Without a key: nothing can be signed. */
export function createOperatorView(address: Hex, options: OperatorAccountOptions): OperatorView {
  const clientOf = (rpcUrl: string) => {
    const [chain, transport] = accessOf({ ...options, rpcUrl })
    return createPublicClient({ chain, transport, cacheTime: 0 })
  }
  return { address, chain: clientOf(options.rpcUrl), witnesses: (options.witnessUrls ?? []).map(clientOf) }
}

function accessOf({ chainId, rpcUrl, requestTimeoutMs, replyMaxBytes }: OperatorAccountOptions) {
  const chain = defineChain({
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
    // Only what a block asks for is paid. With less, a busy minute between looking and sending would leave a transaction behind.
    fees: { baseFeeMultiplier: 2 },
  })
  const transport = http(rpcUrl, {
    timeout: requestTimeoutMs,
    maxResponseBodySize: replyMaxBytes,
    fetchOptions: { redirect: 'error' },
    // For reads. A transaction that is sent again is the same bytes.
    retryCount: 2,
  })
  return [chain, transport] as const
}
