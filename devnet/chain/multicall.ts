import type { Hex } from 'viem'
import type { ChainClient } from './chain-client.ts'

/** Puts Multicall3, as it is on public chains, at an address: viem carries its code. It is there from the next block on. */
export async function placeMulticall(client: ChainClient, address: Hex): Promise<void> {
  const contracts = new URL('./constants/contracts.js', import.meta.resolve('viem'))
  const { multicall3Bytecode } = (await import(contracts.href)) as { readonly multicall3Bytecode: Hex }
  // What the creation of a contract returns is its code.
  const { data } = await client.call({ data: multicall3Bytecode })
  if (data === undefined) throw new Error('The creation of Multicall3 returns its code')
  await client.setCode({ address, bytecode: data })
}
