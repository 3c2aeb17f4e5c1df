import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Logger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { ChainProvider } from '../../../src/staking/chain-provider.ts'
import { createStakingMetrics } from '../../../src/staking/metrics.ts'
import { type ChainProviders, createChainProviders } from '../../../src/staking/providers.ts'
import { type Behaviour, type RpcProxy, startRpcProxy } from './rpc-proxy.ts'
import { aClock, createStakedChain, type StakedChain, testStakingOptions } from './staked-chain.ts'

let chain: StakedChain
let proxy: RpcProxy
beforeAll(async () => {
  chain = await createStakedChain()
  proxy = await startRpcProxy(chain.anvil.rpcUrl)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})
beforeEach(() => {
  proxy.behaviour = { kind: 'honest' }
})

const signal = new AbortController().signal

function providersOf(rpcUrls: readonly string[], overrides: object = {}) {
  const lines: string[] = []
  const line = (facts: object, sentence: string) => void lines.push(`${JSON.stringify(facts)} ${sentence}`)
  const log: Logger = { error: line, warn: line, info: line, debug: line, trace: line, part: () => log }
  const registry = createMetricsRegistry()
  const clock = aClock()
  const options = { ...testStakingOptions(chain, rpcUrls, ''), ...overrides }
  const providers = createChainProviders({ log, clock, metrics: createStakingMetrics(registry) }, options)
  return { providers, clock, lines, registry }
}

/** The newest block as the first provider gives it that can. */
async function look(providers: ChainProviders, until: AbortSignal = signal) {
  let failure: unknown
  for (const provider of providers.available()) {
    try {
      return await providers.use(provider, () => provider.block('latest', until), until)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** The same of each, as every look at the chain asks for. */
async function lookAtAll(providers: ChainProviders): Promise<void> {
  const read = (provider: ChainProvider) => provider.block('latest', signal)
  await Promise.allSettled(providers.available().map((provider) => providers.use(provider, read, signal)))
}

test('a provider of the right chain and contract answers', async () => {
  const block = await look(providersOf([proxy.url]).providers)
  expect(block?.number).toBe((await chain.client.getBlock()).number)
})

const FAULTS: readonly (readonly [string, Behaviour, string])[] = [
  ['hangs up', { kind: 'down' }, 'PROVIDER_UNREACHABLE'],
  ['never answers', { kind: 'silent' }, 'PROVIDER_TIMEOUT'],
  ['answers without end', { kind: 'endless' }, 'PROVIDER_REPLY_TOO_LARGE'],
  ['answers no JSON', { kind: 'text', text: '<html>oops</html>' }, 'PROVIDER_REPLY_MALFORMED'],
  ['answers broken JSON', { kind: 'text', text: '{"result":' }, 'PROVIDER_REPLY_MALFORMED'],
  ['answers null', { kind: 'text', text: 'null' }, 'PROVIDER_REPLY_MALFORMED'],
  ['answers nothing', { kind: 'text', text: '' }, 'PROVIDER_REPLY_MALFORMED'],
  ['answers a wrong type', { kind: 'text', text: '{"result":[7]}' }, 'PROVIDER_REPLY_MALFORMED'],
  [
    'answers an error',
    { kind: 'text', text: '{"error":{"code":-32000,"message":"header not found"}}' },
    'PROVIDER_REFUSED',
  ],
  ['asks for patience', { kind: 'text', text: 'slow down', status: 429 }, 'PROVIDER_LIMITED'],
  [
    'asks for patience in JSON-RPC',
    { kind: 'text', text: '{"error":{"code":-32005,"message":"daily limit"}}', status: 429 },
    'PROVIDER_LIMITED',
  ],
  [
    'is overloaded and says until when',
    { kind: 'text', text: 'busy', status: 503, headers: { 'retry-after': '5' } },
    'PROVIDER_LIMITED',
  ],
  ['fails', { kind: 'text', text: 'oops', status: 500 }, 'PROVIDER_REFUSED'],
  [
    'sends us elsewhere',
    { kind: 'text', text: '', status: 307, headers: { location: 'http://127.0.0.1:9' } },
    'PROVIDER_UNREACHABLE',
  ],
]

/** Small limits, so that what has no end is soon over: only who never answers runs into the one of time. */
const limitsFor = ({ kind }: Behaviour) => ({
  replyMaxBytes: 200_000,
  ...(kind === 'silent' ? { requestTimeoutMs: 300 } : {}),
})

test.each(FAULTS)('a provider that %s fails with a code', async (_, behaviour, code) => {
  proxy.behaviour = behaviour
  const { providers } = providersOf([proxy.url], limitsFor(behaviour))
  await expect(look(providers)).rejects.toMatchObject({ code })
  expect(providers.status()).toMatchObject([{ healthy: false, lastError: code }])
})

test('a provider that fails rests ever longer while others are asked, and is asked again later', async () => {
  proxy.behaviour = { kind: 'down' }
  const { providers, clock } = providersOf([proxy.url, chain.anvil.rpcUrl])
  const places = () => providers.available().map(({ index }) => index)
  await look(providers)
  expect(places()).toEqual([1])
  clock.advance(1000)
  // Last, for who answered before is more likely to answer.
  expect(places()).toEqual([1, 0])
  await lookAtAll(providers)
  clock.advance(1000)
  expect(places()).toEqual([1])
  clock.advance(1000)
  expect(places()).toEqual([1, 0])
  for (let failure = 0; failure < 20; failure++) {
    await lookAtAll(providers)
    clock.advance(20_000)
    expect(places()).toEqual([1, 0])
  }
  proxy.behaviour = { kind: 'honest' }
  await lookAtAll(providers)
  expect(places()).toEqual([0, 1])
  expect(providers.status()).toMatchObject([{ healthy: true }, { healthy: true }])
})

test('a provider of another chain is refused at the start', async () => {
  proxy.behaviour = { kind: 'lying', lie: (method, result) => (method === 'eth_chainId' ? '0x1' : result) }
  const { providers } = providersOf([chain.anvil.rpcUrl, proxy.url])
  await expect(providers.refuseWrongChain(signal)).rejects.toMatchObject({
    code: 'CHAIN_WRONG',
    message: expect.stringContaining('serves chain 1, not 31337'),
  })
})

test('an address without the contract is refused at the start', async () => {
  for (const contract of ['0x00000000000000000000000000000000000000aa', chain.staking.token]) {
    const { providers } = providersOf([chain.anvil.rpcUrl], { contract })
    await expect(providers.refuseWrongChain(signal)).rejects.toMatchObject({ code: 'CONTRACT_WRONG' })
  }
})

test('a provider without the contract does not stop the start while another has it', async () => {
  // As a node does that is still fetching the chain: it knows no block of the contract's time yet.
  proxy.behaviour = { kind: 'lying', lie: (method, result) => (method === 'eth_call' ? '0x' : result) }
  const { providers } = providersOf([proxy.url, chain.anvil.rpcUrl])
  await providers.refuseWrongChain(signal)
  expect(providers.status()).toMatchObject([{ healthy: false, lastError: 'CONTRACT_WRONG' }, { healthy: true }])
})

test('a provider that has no block yet does not stop the start', async () => {
  proxy.behaviour = { kind: 'lying', lie: (method, result) => (method === 'eth_getBlockByNumber' ? null : result) }
  const { providers } = providersOf([proxy.url])
  await providers.refuseWrongChain(signal)
  expect(providers.status()).toMatchObject([{ healthy: false, lastError: 'PROVIDER_REPLY_MALFORMED' }])
})

test('a provider that cannot be reached does not stop the start', async () => {
  proxy.behaviour = { kind: 'down' }
  await providersOf([proxy.url]).providers.refuseWrongChain(signal)
})

test('a provider that turns to another chain later is found out at the next check', async () => {
  const { providers, clock } = providersOf([proxy.url])
  await look(providers)
  proxy.behaviour = { kind: 'lying', lie: (method, result) => (method === 'eth_chainId' ? '0x1' : result) }
  await look(providers)
  clock.advance(3_600_000)
  await expect(look(providers)).rejects.toMatchObject({ code: 'CHAIN_WRONG' })
})

test('the key in a URL appears in no log line, error, status or metric', async () => {
  const secret = 'sEcReTkEy'
  const url = new URL(proxy.url)
  url.username = 'user'
  url.password = secret
  const urls = [url.href, `${proxy.url}/v2/${secret}`, `${proxy.url}/?key=${secret}`]
  for (const [, behaviour] of FAULTS) {
    proxy.behaviour = behaviour
    const { providers, lines, registry } = providersOf(urls, limitsFor(behaviour))
    const error: unknown = await look(providers).catch((reason: unknown) => reason)
    const told = [inspect(error, { depth: 20 }), JSON.stringify(providers.status()), ...lines, await registry.expose()]
    expect(told.join('\n')).not.toContain(secret)
  }
})

test('work that is called off is not held against the provider', async () => {
  proxy.behaviour = { kind: 'silent' }
  const { providers } = providersOf([proxy.url])
  const stop = new AbortController()
  const work = look(providers, stop.signal)
  stop.abort(new Error('enough'))
  await expect(work).rejects.toThrow('enough')
  expect(providers.status()).toMatchObject([{ lastError: undefined }])
})

test('a provider whose turn comes when the time is over is not blamed', async () => {
  const { providers } = providersOf([proxy.url])
  const over = AbortSignal.abort(new DOMException('The time is over', 'TimeoutError'))
  await expect(look(providers, over)).rejects.toMatchObject({ code: 'PROVIDERS_UNAVAILABLE' })
  expect(providers.status()).toMatchObject([{ lastError: undefined }])
})

test('unusable options are refused', () => {
  const refused = (overrides: object) =>
    expect(() => providersOf(['http://127.0.0.1:1'], overrides)).toThrow(
      expect.objectContaining({ code: 'STAKING_OPTIONS_INVALID' }),
    )
  refused({ rpcUrls: [] })
  refused({ rpcUrls: ['ws://127.0.0.1:1'] })
  refused({ rpcUrls: ['http://a/', 'http://a/'] })
  refused({ rpcUrls: Array.from({ length: 9 }, (_, index) => `http://host${index}/`) })
  refused({ contract: '0x12' })
  refused({ chainId: 0.5 })
})

test('a single provider is said to be trusted, once', () => {
  const { lines } = providersOf(['http://127.0.0.1:1'])
  expect(lines).toEqual([expect.stringContaining('is trusted')])
  expect(providersOf(['http://127.0.0.1:1', 'http://127.0.0.1:2']).lines).toEqual([])
})

test('a fault is told with its provider and its code: from the start at once, later when it lasts, and once', async () => {
  proxy.behaviour = { kind: 'down' }
  const { providers, clock, lines } = providersOf([proxy.url, chain.anvil.rpcUrl])
  const lookAndReview = async (passMs: number) => {
    clock.advance(passMs)
    await lookAtAll(providers)
    providers.review()
    return lines.splice(0).join('\n')
  }
  const fails = new RegExp(`"${new URL(proxy.url).host}","code":"PROVIDER_UNREACHABLE".*fails`)
  expect(await lookAndReview(0)).toMatch(fails)
  expect(await lookAndReview(20_000)).toBe('')
  proxy.behaviour = { kind: 'honest' }
  expect(await lookAndReview(20_000)).toMatch(/well again/)

  proxy.behaviour = { kind: 'down' }
  expect(await lookAndReview(20_000)).toBe('')
  expect(await lookAndReview(20_000)).toMatch(fails)
  expect(providers.standing()).toBe('too-few')
})

test('other URLs are taken while it works: what is known of those that stay is kept, and nothing is told of those that are gone', async () => {
  const { providers, registry, lines } = providersOf([proxy.url, `${proxy.url}/second`])
  await lookAtAll(providers)
  providers.review()
  const [kept, gone] = providers.available()
  if (kept === undefined || gone === undefined) throw new Error('Both were to answer')
  expect(await registry.expose()).toContain('starling_staking_provider_up{provider="1"} 1')

  providers.replace([proxy.url])
  expect({ count: providers.count, quorum: providers.quorum }).toEqual({ count: 1, quorum: 1 })
  expect(providers.available()).toEqual([kept])
  expect(providers.status()).toMatchObject([{ healthy: true }])
  expect(await registry.expose()).not.toContain('starling_staking_provider_up{provider="1"}')
  expect(lines.join()).toContain('Only one RPC provider')
  // Whoever waits for one that is gone gets its answer still.
  expect(await providers.use(gone, () => gone.block('latest', signal), signal)).toBeDefined()

  providers.replace([`${proxy.url}/other`, proxy.url])
  expect(providers.status()).toMatchObject([{ healthy: false }, { healthy: false }])
  await lookAtAll(providers)
  expect(providers.status()).toMatchObject([{ healthy: true }, { healthy: true }])
  expect(() => providers.replace([])).toThrow(expect.objectContaining({ code: 'STAKING_OPTIONS_INVALID' }))
  expect(providers.count).toBe(2)
})
