import { createTestClient, defineChain, type Hex, http, publicActions, walletActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

/** Blocks come at once or within a second, so asking often is cheap. */
const POLLING_INTERVAL_MS = 20

/** A client of a local chain that reads, sends from one account, and turns the chain's clock. */
export type ChainClient = ReturnType<typeof createChainClient>

export function createChainClient(chain: { rpcUrl: string; chainId: number }, privateKey: Hex) {
  return createTestClient({
    mode: 'anvil',
    account: privateKeyToAccount(privateKey),
    chain: defineChain({
      id: chain.chainId,
      name: 'local',
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [chain.rpcUrl] } },
    }),
    transport: http(chain.rpcUrl),
    pollingInterval: POLLING_INTERVAL_MS,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions)
}
