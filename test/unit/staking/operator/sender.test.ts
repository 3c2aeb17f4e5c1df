import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createChainClient } from '../../../../devnet/chain/chain-client.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { stakingTokenAbi } from '../../../../src/staking/abi.ts'
import type { OperatorCall } from '../../../../src/staking/operator/call.ts'
import { createMemoryJournal, openJournal, readJournals } from '../../../../src/staking/operator/journal.ts'
import { acknowledge, refuseUnfinished, resume } from '../../../../src/staking/operator/resumption.ts'
import { type Bid, sendCall } from '../../../../src/staking/operator/sender.ts'
import { createOperatorAccount, type OperatorAccount } from '../../../../src/staking/operator-account.ts'
import { startRpcProxy } from '../rpc-proxy.ts'
import { createStakedChain, STAKE, type StakedChain } from '../staked-chain.ts'

// What becomes of transactions whose way is disturbed. The kills are in kill-commands.test.ts.

const LIMITS = { requestTimeoutMs: 5000, replyMaxBytes: 1_000_000 }
const patience = { receiptMs: 1500, takenMs: 700 }
const RECIPIENT = `0x${'11'.repeat(20)}` as const

let chain: StakedChain
let account: OperatorAccount
let journal: ReturnType<typeof createMemoryJournal>
beforeAll(async () => {
  chain = await createStakedChain()
})
afterAll(() => chain[Symbol.asyncDispose]())
beforeEach(async () => {
  account = await anAccount()
  journal = createMemoryJournal()
})

async function anAccount(rpcUrl = chain.anvil.rpcUrl): Promise<OperatorAccount> {
  const { privateKey } = await chain.fundedAccount()
  return createOperatorAccount(privateKey, { rpcUrl, chainId: chain.anvil.chainId, ...LIMITS })
}

const components = () => ({ journal, clock: systemClock, patience })

/** Pays somebody: done twice, it would be seen. */
function payment(amountAtomic = 1000n): OperatorCall {
  return {
    purpose: 'claim',
    title: 'Pay',
    to: chain.staking.token,
    abi: stakingTokenAbi,
    functionName: 'transfer',
    args: [RECIPIENT, amountAtomic],
  }
}

const balance = (address: `0x${string}` = account.address) =>
  chain.client.readContract({
    address: chain.staking.token,
    abi: stakingTokenAbi,
    functionName: 'balanceOf',
    args: [address],
  })

/** While no blocks are made, whatever is sent stays under way. */
async function withoutBlocks(work: () => Promise<void>): Promise<void> {
  await chain.client.setAutomine(false)
  try {
    await work()
  } finally {
    await chain.client.setAutomine(true)
    await chain.client.mine({ blocks: 1 })
  }
}

test('a call is in the journal before it is sent, and its block afterwards', async () => {
  const entry = await sendCall(account, components(), payment())
  expect(journal.entries()).toEqual([entry])
  expect(entry).toMatchObject({ outcome: 'mined', nonce: 0, isTold: false, isFinal: false })
  const receipt = await chain.client.getTransactionReceipt({ hash: entry.attempts[0]?.hash ?? '0x' })
  expect(entry).toMatchObject({ minedHash: receipt.transactionHash, blockNumber: receipt.blockNumber })
})

test('what would be refused is never signed', async () => {
  const refused = sendCall(account, components(), payment(STAKE + 1n))
  await expect(refused).rejects.toMatchObject({ code: 'TOKENS_INSUFFICIENT' })
  expect(journal.entries()).toEqual([])
})

test('a transaction that waits for its block is gone on with, not paid again', async () => {
  await withoutBlocks(async () => {
    await expect(sendCall(account, components(), payment())).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    await expect(refuseUnfinished(account, journal)).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    await expect(resume(account, components(), { replace: false })).rejects.toMatchObject({
      code: 'TRANSACTION_PENDING',
    })
  })
  const done = await resume(account, components(), { replace: false })
  expect(done).toMatchObject([{ purpose: 'claim', outcome: 'mined' }])
  await acknowledge(journal)
  expect(await resume(account, components(), { replace: false })).toEqual([])
  expect(await balance()).toBe(STAKE - 1000n)
})

test('bytes that no provider has any more are sent again as they are', async () => {
  await withoutBlocks(async () => {
    await expect(sendCall(account, components(), payment())).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    const hash = journal.entries()[0]?.attempts[0]?.hash ?? '0x'
    await chain.client.dropTransaction({ hash })
  })
  expect(await balance()).toBe(STAKE)
  expect(await resume(account, components(), { replace: false })).toHaveLength(1)
  expect(await balance()).toBe(STAKE - 1000n)
  expect(journal.entries()[0]?.attempts).toHaveLength(1)
})

test('a place that another transaction took is named, and the next run begins anew', async () => {
  const { privateKey, address } = await chain.fundedAccount()
  const own = createOperatorAccount(privateKey, { rpcUrl: chain.anvil.rpcUrl, chainId: chain.anvil.chainId, ...LIMITS })
  const elsewhere = createChainClient(chain.anvil, privateKey)
  await withoutBlocks(async () => {
    await expect(sendCall(own, components(), payment())).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 10n }
    await elsewhere.sendTransaction({ to: address, value: 0n, nonce: 0, gas: 21_000n, ...fees })
  })
  await expect(resume(own, components(), { replace: false })).rejects.toMatchObject({ code: 'TRANSACTION_REPLACED' })
  expect(journal.entries()).toMatchObject([{ outcome: 'replaced' }])
  expect(await resume(own, components(), { replace: false })).toEqual([])
  expect(await sendCall(own, components(), payment())).toMatchObject({ outcome: 'mined', nonce: 1 })
  expect(await balance(address)).toBe(STAKE - 1000n)
})

test('a stuck transaction is only outbid on request, in the same place', async () => {
  await withoutBlocks(async () => {
    await expect(sendCall(account, components(), payment())).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    const outbid = resume(account, components(), { replace: true })
    await expect(outbid).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
  })
  const [first, second] = journal.entries()[0]?.attempts ?? []
  expect((second?.maxFeePerGas ?? 0n) * 8n).toBeGreaterThanOrEqual((first?.maxFeePerGas ?? 0n) * 9n)
  const [done] = await resume(account, components(), { replace: false })
  expect(done?.minedHash).toBe(second?.hash)
  expect(await balance()).toBe(STAKE - 1000n)
  expect(await chain.client.getTransactionCount({ address: account.address })).toBe(1)
})

test('an offer below what the chain takes asks for --replace, and does not wait', async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  const poor = await anAccount(provider.url)
  // The provider tells of a base fee that has gone up since.
  const lie = (method: string, result: unknown) =>
    method === 'eth_getBlockByNumber' ? { ...(result as object), baseFeePerGas: '0x1' } : result
  provider.behaviour = {
    kind: 'lying',
    lie: (method, result) => (method === 'eth_maxPriorityFeePerGas' ? '0x1' : lie(method, result)),
  }
  await chain.client.setNextBlockBaseFeePerGas({ baseFeePerGas: 10n ** 9n })
  await expect(sendCall(poor, components(), payment())).rejects.toMatchObject({
    code: 'TRANSACTION_PENDING',
    message: expect.stringContaining('--replace'),
  })
  provider.behaviour = { kind: 'honest' }
  expect(await resume(poor, components(), { replace: true })).toMatchObject([{ outcome: 'mined' }])
})

test('what a reorganisation takes back is done again', async () => {
  const snapshot = await chain.client.snapshot()
  await sendCall(account, components(), payment())
  await acknowledge(journal)
  await chain.client.revert({ id: snapshot })
  expect(await balance()).toBe(STAKE)
  await resume(account, components(), { replace: false })
  expect(await balance()).toBe(STAKE - 1000n)
  await chain.finalize()
  await resume(account, components(), { replace: false })
  expect(journal.entries()).toMatchObject([{ outcome: 'mined', isFinal: true }])
})

test('a provider that breaks off, or refuses with no reason, may have passed it on', async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  const own = await anAccount(provider.url)
  provider.behaviour = { kind: 'refusing', method: 'eth_sendRawTransaction' }
  await expect(sendCall(own, components(), payment())).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
  provider.behaviour = { kind: 'honest' }
  expect(await resume(own, components(), { replace: false })).toHaveLength(1)
  expect(await balance(own.address)).toBe(STAKE - 1000n)
})

test('what is refused for want of ether stays under way when an earlier offer may still be mined', async () => {
  const { address } = account
  await withoutBlocks(async () => {
    await expect(sendCall(account, components(), payment())).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    const value = await chain.client.getBalance({ address })
    await chain.client.setBalance({ address, value: 1n })
    const outbid = resume(account, components(), { replace: true })
    await expect(outbid).rejects.toMatchObject({ code: 'GAS_FUNDS_INSUFFICIENT' })
    await chain.client.setBalance({ address, value })
  })
  expect(await resume(account, components(), { replace: false })).toHaveLength(1)
  expect(await balance()).toBe(STAKE - 1000n)
})

test('what a provider refused and passed on all the same is found, and not paid again', async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  const own = await anAccount(provider.url)
  const message = 'insufficient funds for gas * price + value'
  provider.behaviour = { kind: 'denying', method: 'eth_sendRawTransaction', message }
  await expect(sendCall(own, components(), payment())).rejects.toMatchObject({ code: 'GAS_FUNDS_INSUFFICIENT' })
  expect(journal.entries()).toMatchObject([{ outcome: 'dropped', isTold: true }])
  provider.behaviour = { kind: 'honest' }
  expect(await resume(own, components(), { replace: false })).toMatchObject([{ purpose: 'claim', outcome: 'mined' }])
})

test('what a provider does not take for good is not sent again and again', async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  const own = await anAccount(provider.url)
  await withoutBlocks(async () => {
    provider.behaviour = { kind: 'denying', method: 'eth_sendRawTransaction', message: 'exceeds block gas limit' }
    await expect(sendCall(own, components(), payment())).rejects.toMatchObject({ code: 'PROVIDER_REFUSED' })
    await chain.client.dropTransaction({ hash: journal.entries()[0]?.attempts[0]?.hash ?? '0x' })
  })
  expect(await resume(own, components(), { replace: false })).toEqual([])
  provider.behaviour = { kind: 'honest' }
  expect(await sendCall(own, components(), payment())).toMatchObject({ outcome: 'mined', nonce: 0 })
})

test("a place that is taken without a receipt is not another's while the transaction is in a block", async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  const own = await anAccount(provider.url)
  const hiding = (...hidden: readonly string[]) => {
    const lie = (method: string, result: unknown) => (hidden.includes(method) ? null : result)
    provider.behaviour = { kind: 'lying', lie }
  }
  hiding('eth_getTransactionReceipt')
  await expect(sendCall(own, components(), payment())).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
  // One that hides both is believed, but looked at again until the place is taken in a final block.
  hiding('eth_getTransactionReceipt', 'eth_getTransactionByHash')
  const resumed = () => resume(own, components(), { replace: false })
  await expect(resumed()).rejects.toMatchObject({ code: 'TRANSACTION_REPLACED' })
  expect(await resumed()).toEqual([])
  provider.behaviour = { kind: 'honest' }
  expect(await resumed()).toMatchObject([{ outcome: 'mined', isTold: false }])
})

test('what the contract refused is done after all when a reorganisation has it run again', async () => {
  const { privateKey, address } = await chain.fundedAccount()
  const own = createOperatorAccount(privateKey, { rpcUrl: chain.anvil.rpcUrl, chainId: chain.anvil.chainId, ...LIMITS })
  const token = { address: chain.staking.token, abi: stakingTokenAbi } as const
  const approval = createChainClient(chain.anvil, privateKey).writeContract({
    ...{ ...token, functionName: 'approve', args: [chain.client.account.address, STAKE] },
  })
  await chain.client.waitForTransactionReceipt({ hash: await approval })
  const snapshot = await chain.client.snapshot()
  await withoutBlocks(async () => {
    await expect(sendCall(own, components(), payment())).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    const fees = { gas: 200_000n, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 10n }
    const args = [address, RECIPIENT, STAKE] as const
    await chain.client.writeContract({ ...token, functionName: 'transferFrom', args, ...fees })
  })
  expect(await resume(own, components(), { replace: false })).toEqual([])
  expect(journal.entries()).toMatchObject([{ outcome: 'refused', isTold: true }])
  await chain.client.revert({ id: snapshot })
  expect(await resume(own, components(), { replace: false })).toMatchObject([{ outcome: 'mined', isTold: false }])
  expect(await balance(address)).toBe(STAKE - 1000n)
})

test('what was shown is signed, and nothing is when it does not suffice any more', async () => {
  const fees = await account.chain.estimateFeesPerGas()
  const offer = { gas: 200_000n, ...fees }
  const entry = await sendCall(account, components(), payment(), offer)
  expect(entry).toMatchObject({ gas: 200_000n, attempts: [fees] })
  const tooHigh = { code: 'GAS_COST_TOO_HIGH' }
  const stale = { ...offer, maxFeePerGas: fees.maxFeePerGas / 4n }
  await expect(sendCall(account, components(), payment(), stale)).rejects.toMatchObject(tooHigh)
  await expect(sendCall(account, components(), payment(), { ...offer, gas: 21_000n })).rejects.toMatchObject(tooHigh)
  expect(journal.entries()).toEqual([entry])
})

test('more is only offered when that is approved', async () => {
  await withoutBlocks(async () => {
    await expect(sendCall(account, components(), payment())).rejects.toMatchObject({ code: 'TRANSACTION_PENDING' })
    const asked: bigint[] = []
    const approveBid = async ({ gasCostMaxWei }: Bid) => {
      asked.push(gasCostMaxWei)
      throw new Error('No')
    }
    await expect(resume(account, { ...components(), approveBid }, { replace: true })).rejects.toThrow('No')
    const [{ gas, attempts } = { gas: 0n, attempts: [] }] = journal.entries()
    expect(attempts).toHaveLength(1)
    expect(asked[0]).toBeGreaterThan(gas * (attempts[0]?.maxFeePerGas ?? 0n))
  })
})

test('a provider that is a block behind its own receipt is waited for', async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  const own = await anAccount(provider.url)
  await sendCall(own, components(), payment())
  let stale = 2
  const lie = (method: string, result: unknown) =>
    method === 'eth_getTransactionCount' && stale-- > 0 ? '0x0' : result
  provider.behaviour = { kind: 'lying', lie }
  expect(await sendCall(own, components(), payment())).toMatchObject({ nonce: 1, outcome: 'mined' })
  // What must be mined first is given the same while.
  const call = { ...payment(STAKE), waits: { refusal: 'ERC20InsufficientBalance', gas: 1n } }
  const sent = sendCall(own, components(), call)
  const token = { address: chain.staking.token, abi: stakingTokenAbi } as const
  await chain.client.writeContract({ ...token, functionName: 'transfer', args: [own.address, 2000n] })
  expect(await sent).toMatchObject({ nonce: 2, outcome: 'mined' })
})

test('a provider that lies about the number of transactions gets nothing signed, unless nobody contradicts it', async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  const { privateKey } = await chain.fundedAccount()
  const lie = (method: string, result: unknown) => (method === 'eth_getTransactionCount' ? '0x7' : result)
  provider.behaviour = { kind: 'lying', lie }
  const by = (rpcUrl: string, ...witnessUrls: readonly string[]) =>
    createOperatorAccount(privateKey, { rpcUrl, witnessUrls, chainId: chain.anvil.chainId, ...LIMITS })
  const disagreed = { code: 'PROVIDERS_DISAGREE' }
  await expect(sendCall(by(provider.url, chain.anvil.rpcUrl), components(), payment())).rejects.toMatchObject(disagreed)
  await expect(sendCall(by(chain.anvil.rpcUrl, provider.url), components(), payment())).rejects.toMatchObject(disagreed)
  expect(journal.entries()).toEqual([])
  // One that cannot be heard contradicts nobody.
  provider.behaviour = { kind: 'down' }
  expect(await sendCall(by(chain.anvil.rpcUrl, provider.url), components(), payment())).toMatchObject({ nonce: 0 })
})

test('the journal is for this user alone, for one command at a time, and survives as it was', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'starling-journal-'))
  try {
    const owner = { chainId: chain.anvil.chainId, account: account.address }
    {
      await using opened = await openJournal(folder, owner)
      await sendCall(account, { ...components(), journal: opened }, payment())
      await expect(openJournal(folder, owner)).rejects.toMatchObject({ code: 'ACCOUNT_BUSY' })
      // Held by a process that runs: ours, seen from another.
      await writeFile(join(folder, (await readdir(folder)).find((name) => name.endsWith('.lock')) ?? ''), '1')
      await expect(openJournal(folder, owner)).rejects.toMatchObject({ code: 'ACCOUNT_BUSY' })
    }
    const files = await readdir(folder)
    expect(files).toEqual([`transactions-${owner.chainId}-${account.address.toLowerCase()}.json`])
    expect((await stat(join(folder, files[0] ?? ''))).mode & 0o777).toBe(0o600)
    // A command that was killed leaves its lock behind; its process id is nobody's.
    await writeFile(join(folder, `${files[0]}.lock`), '4194999')
    await using again = await openJournal(folder, owner)
    const [entry] = again.entries()
    expect(entry).toMatchObject({ purpose: 'claim', outcome: 'mined', title: 'Pay' })
    expect(await readJournals(folder, owner.chainId)).toEqual([
      { account: account.address.toLowerCase(), entries: [entry] },
    ])
    expect(await readJournals(folder, owner.chainId + 1)).toEqual([])
    const path = join(folder, files[0] ?? '')
    const whole = await readFile(path)
    const damaged = { code: 'STATE_FILE_DAMAGED', message: expect.stringContaining('move the file away') }
    // Renamed to another chain's, or another account's, it is not taken for theirs.
    await writeFile(join(folder, `transactions-5-${account.address.toLowerCase()}.json`), whole)
    await expect(readJournals(folder, 5)).rejects.toMatchObject(damaged)
    await writeFile(join(folder, `transactions-6-${RECIPIENT}.json`), whole)
    await expect(readJournals(folder, 6)).rejects.toMatchObject(damaged)
    for (const content of ['', '[]', 'null', '{"sha256":"00","state":{"entries":[]}}', whole.subarray(0, 700)]) {
      await writeFile(path, content)
      await expect(readJournals(folder, owner.chainId)).rejects.toMatchObject(damaged)
    }
    await rm(path)
    await mkdir(path)
    await expect(readJournals(folder, owner.chainId)).rejects.toMatchObject(damaged)
  } finally {
    await rm(folder, { recursive: true })
  }
})
