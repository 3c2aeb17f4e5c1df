import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startAnvil } from '../../devnet/chain/anvil.ts'
import { createChainClient } from '../../devnet/chain/chain-client.ts'

const ANVIL_MODULE = new URL('../../devnet/chain/anvil.ts', import.meta.url).href

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves when the process is gone; the test's own deadline bounds the wait. */
async function untilGone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve))
}

test('a chain has the id that was asked for, funded accounts, and lags two blocks to finality', async () => {
  await using anvil = await startAnvil({ chainId: 42161 })
  const account = anvil.accounts[0]
  if (account === undefined) throw new Error('A chain has accounts')
  const client = createChainClient(anvil, account.privateKey)
  expect(await client.getChainId()).toBe(42161)
  expect(await client.getBalance({ address: account.address })).toBeGreaterThan(10n ** 21n)
  await client.mine({ blocks: 10 })
  expect((await client.getBlock({ blockTag: 'latest' })).number).toBe(10n)
  expect((await client.getBlock({ blockTag: 'safe' })).number).toBe(9n)
  expect((await client.getBlock({ blockTag: 'finalized' })).number).toBe(8n)
})

test('chains run side by side, with accounts of their own, and end on disposal', async () => {
  const anvils = await Promise.all([startAnvil(), startAnvil()])
  const [first, second] = anvils
  expect(first.rpcUrl).not.toBe(second.rpcUrl)
  expect(first.accounts[0]?.address).not.toBe(second.accounts[0]?.address)
  for (const anvil of anvils) {
    expect(isRunning(anvil.pid)).toBe(true)
    await anvil[Symbol.asyncDispose]()
    expect(isRunning(anvil.pid)).toBe(false)
    await anvil[Symbol.asyncDispose]()
  }
})

test('an aborted start leaves no process', async () => {
  await expect(startAnvil({ signal: AbortSignal.abort(new Error('no longer')) })).rejects.toThrow('no longer')
})

test('a taken port is an error, with what anvil says', async () => {
  await using anvil = await startAnvil()
  const port = Number(new URL(anvil.rpcUrl).port)
  await expect(startAnvil({ port })).rejects.toThrow(/anvil did not start: .*in use/s)
})

test('a chain does not survive its parent, even a killed one', async () => {
  const script = `
    import { startAnvil } from ${JSON.stringify(ANVIL_MODULE)}
    const { pid } = await startAnvil()
    process.stdout.write(String(pid), () => process.kill(process.pid, 'SIGKILL'))`
  const child = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  const { stdout, signal } = await child
    .catch((error: { stdout: string; signal: string }) => error)
    .then((result) => ({ signal: undefined, ...result }))
  expect(signal).toBe('SIGKILL')
  await untilGone(Number(stdout))
})
