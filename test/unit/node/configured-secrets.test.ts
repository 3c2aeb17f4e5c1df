import { expect, test } from 'vitest'
import { checkFlags } from '../../../src/cli/options/check.ts'
import { stakingOptionGroup } from '../../../src/cli/options/staking.ts'

const { 'staking.rpcUrls': flag } = stakingOptionGroup.flags

test.each([
  ['one URL', 'https://rpc.example/v2/sEcReTkEy'],
  ['a mapping', { first: 'https://rpc.example/v2/sEcReTkEy' }],
  ['a list of mappings', [{ url: 'https://rpc.example/v2/sEcReTkEy' }]],
])('%s in the place of the list of RPC URLs is refused without being shown', (_, value) => {
  const check = () => checkFlags({ 'staking.rpcUrls': flag }, { 'staking.rpcUrls': value })
  expect(check).toThrow(/^staking\.rpcUrls must be a list of texts/)
  expect(check).not.toThrow(/sEcReTkEy/)
})
