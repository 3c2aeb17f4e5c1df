import { afterAll, beforeAll, expect, test } from 'vitest'
import { placeMulticall } from '../../../devnet/chain/multicall.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Member } from '../../../src/protocol/service-node.ts'
import { createChainProvider } from '../../../src/staking/chain-provider.ts'
import type { Hex } from '../../../src/staking/chain-reply.ts'
import { readMemberList } from '../../../src/staking/member-list.ts'
import { createRpcClient } from '../../../src/staking/rpc-client.ts'
import { type RpcProxy, startRpcProxy } from './rpc-proxy.ts'
import { aNode, createStakedChain, type StakedChain, testStakingOptions } from './staked-chain.ts'

let chain: StakedChain
let proxy: RpcProxy
/** Another one than by default, so that members are also read without. */
const multicall: Hex = '0x000000000000000000000000000000000000ca11'
const members: Member[] = []
beforeAll(async () => {
  chain = await createStakedChain()
  proxy = await startRpcProxy(chain.anvil.rpcUrl)
  await placeMulticall(chain.client, multicall)
  for (let count = 0; count < 5; count++) members.push(await chain.register(aNode()))
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})

const signal = new AbortController().signal

async function read(overrides: object = {}) {
  const options = { ...testStakingOptions(chain, [proxy.url], ''), ...overrides }
  const provider = createChainProvider(createRpcClient({ clock: systemClock }, { url: proxy.url, ...options }), 0)
  const block = await provider.block('latest', signal)
  if (block === undefined) throw new Error('the chain has blocks')
  proxy.methods.length = 0
  return await readMemberList(provider, block, options, signal)
}

test('the list has every member as it registered, in order of id', async () => {
  expect(await read()).toEqual(members)
})

test('the list read through Multicall3 is the same with fewer requests', async () => {
  expect(await read({ multicall, multicallCallsMax: 2 })).toEqual(members)
  // One for the ids, three bundles of two.
  expect(proxy.methods.filter((method) => method === 'eth_call')).toHaveLength(4)
})

test('more members than allowed are refused', async () => {
  await expect(read({ membersMax: 4 })).rejects.toMatchObject({ code: 'MEMBERS_TOO_MANY' })
})

test.each([
  ['a cut result', (result: string) => result.slice(0, -64)],
  ['a result of zeros', (result: string) => `0x${'0'.repeat(result.length - 2)}`],
  ['no text', () => 7],
  ['half a byte', (result: string) => result.slice(0, -1)],
  ['an enormous length', (result: string) => `${result.slice(0, 66)}${'f'.repeat(64)}${result.slice(130)}`],
])('%s is refused', async (_, falsify) => {
  proxy.behaviour = {
    kind: 'lying',
    lie: (method, result) => (method === 'eth_call' ? falsify(result as string) : result),
  }
  try {
    await expect(read()).rejects.toMatchObject({ code: 'PROVIDER_REPLY_MALFORMED' })
    await expect(read({ multicall })).rejects.toMatchObject({ code: 'PROVIDER_REPLY_MALFORMED' })
  } finally {
    proxy.behaviour = { kind: 'honest' }
  }
})

test('a service node that contradicts the list of ids is refused', async () => {
  let last: unknown
  proxy.behaviour = {
    kind: 'lying',
    // Answers a question with the answer to the one before it.
    lie: (method, result) => {
      if (method !== 'eth_call' || (result as string).length < 1000) return result
      const before = last ?? result
      last = result
      return before
    },
  }
  try {
    await expect(read({ requestsInFlightMax: 1 })).rejects.toMatchObject({ code: 'PROVIDER_REPLY_MALFORMED' })
  } finally {
    proxy.behaviour = { kind: 'honest' }
  }
})

test('a block that changes while it is read is noticed', async () => {
  let looks = 0
  proxy.behaviour = {
    kind: 'lying',
    lie: (method, result) =>
      method === 'eth_getBlockByNumber' && looks++ > 0
        ? { ...(result as object), hash: `0x${'1'.repeat(64)}` }
        : result,
  }
  try {
    await expect(read()).rejects.toMatchObject({ code: 'PROVIDER_INCONSISTENT' })
  } finally {
    proxy.behaviour = { kind: 'honest' }
  }
})

test('a provider without the state of the block does not make an empty list', async () => {
  for (const [contract, code] of [
    [chain.staking.rewards, 'PROVIDER_REPLY_MALFORMED'],
    ['0x00000000000000000000000000000000000000aa', 'EPOCH_UNKNOWN'],
  ]) {
    proxy.behaviour = { kind: 'lying', lie: (method, result) => (method === 'eth_call' ? '0x' : result) }
    await expect(read({ contract })).rejects.toMatchObject({ code })
    proxy.behaviour = { kind: 'honest' }
  }
})
