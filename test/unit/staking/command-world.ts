import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { vi } from 'vitest'
import { builtProgram } from '../../../devnet/built-program.ts'
import { createKeyFiles, readKeyFiles } from '../../../src/node/key-files.ts'
import { serviceNodeRewardsAbi, stakingTokenAbi } from '../../../src/staking/abi.ts'
import { createStakeParser } from './stake-parser.ts'
import { aNode, createStakedChain, type StakedChain, type TestNode, temporaryFolder } from './staked-chain.ts'

// Stake commands as an operator or a script runs them, in processes of their own, on a chain with the real contracts.

export interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** Standard output as JSON, when it is. */
  readonly json: Record<string, unknown>
}

export interface Operator {
  readonly address: Hex
  readonly privateKey: Hex
  readonly keyFile: string
}

export interface CommandWorld extends AsyncDisposable {
  readonly chain: StakedChain
  readonly folder: string
  /** Flags of every command that reads the chain. */
  target(rpcUrl?: string): readonly string[]
  /** A folder with the keys of a new service node. */
  newNode(): Promise<string>
  /** A new account with a stake's worth of tokens, and its key in a file. */
  newOperator(funds?: { tokens?: bigint; wei?: bigint }): Promise<Operator>
  keyFile(privateKey: Hex): Promise<string>
  nodeOf(keysFolder: string): Promise<TestNode>
  tokensOf(address: Hex): Promise<bigint>
  transactionsOf(address: Hex): Promise<number>
  memberCount(): Promise<bigint>
  memberId(keysFolder: string): Promise<bigint>
  /** Moves the chain's clock on and mines a block. */
  passTime(seconds: number): Promise<void>
  newFolder(): Promise<string>
}

const { main: ENTRY, env: cache } = builtProgram()
const env = { ...process.env, ...cache }

/** Not awaited: to be killed. */
export function startStarling(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [ENTRY, ...args], { stdio: 'ignore', env })
}

const KILLER = join(import.meta.dirname, '../../support/kill-at-effect.ts')

/** Runs a command that is killed right before its n-th effect, or ends before that: then the answer is false. */
export async function isKilledAtEffect(effect: number, args: readonly string[]): Promise<boolean> {
  const stdio = ['ignore', 'ignore', 'pipe'] as const
  const child = spawn(process.execPath, ['--import', KILLER, ENTRY, ...args], {
    ...{ stdio: [...stdio] },
    env: { ...env, STARLING_KILL_AT_EFFECT: String(effect) },
  })
  const said: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (signal === 'SIGKILL') return true
  if (code === 0) return false
  throw new Error(`The command failed before it was killed: ${said.join('')}`)
}

export function starling(...args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [ENTRY, ...args], { env }, (error, stdout, stderr) => {
      const exitCode = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1
      const json = stdout.startsWith('{') ? (JSON.parse(stdout) as Record<string, unknown>) : {}
      resolve({ exitCode, stdout, stderr, json })
    })
    child.stdin?.end()
  })
}

/** The same in this process, which is much faster: one at a time, with what it prints caught. */
export async function starlingHere(...args: readonly string[]): Promise<Run> {
  const printed = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk, ...rest: unknown[]) => {
      printed[name] += String(chunk)
      for (const written of rest) if (typeof written === 'function') written()
      return true
    }),
  )
  const before = process.exitCode
  try {
    await createStakeParser(args).exitProcess(false).parseAsync()
    const json = printed.stdout.startsWith('{') ? (JSON.parse(printed.stdout) as Record<string, unknown>) : {}
    return { exitCode: Number(process.exitCode ?? 0), ...printed, json }
  } finally {
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
  }
}

export async function createCommandWorld(...options: Parameters<typeof createStakedChain>): Promise<CommandWorld> {
  const chain = await createStakedChain(...options)
  const folder = await temporaryFolder()
  const rewards = { address: chain.staking.rewards, abi: serviceNodeRewardsAbi } as const
  let count = 0
  const newFolder = async () => {
    const path = join(folder.path, `folder-${count++}`)
    await mkdir(path, { mode: 0o700 })
    return path
  }
  const keyFile = async (privateKey: Hex) => {
    const path = join(folder.path, `operator-${count++}`)
    await writeFile(path, `${privateKey}\n`, { mode: 0o600 })
    return path
  }
  const nodeOf = async (keysFolder: string) => {
    const { ed25519, bls } = await readKeyFiles(keysFolder)
    return aNode({ ed25519, blsSecretKey: bls.secretKey })
  }
  return {
    chain,
    folder: folder.path,
    target: (rpcUrl = chain.anvil.rpcUrl) => [
      ...['--rpc', rpcUrl, '--contract', chain.staking.rewards, '--chain-id', String(chain.anvil.chainId), '--json'],
    ],
    async newNode() {
      const keysFolder = join(folder.path, `node-${count++}`)
      await createKeyFiles(keysFolder)
      return keysFolder
    },
    async newOperator(funds = {}) {
      const account = await chain.fundedAccount(funds)
      return { ...account, keyFile: await keyFile(account.privateKey) }
    },
    keyFile,
    nodeOf,
    tokensOf: (address) =>
      chain.client.readContract({
        address: chain.staking.token,
        abi: stakingTokenAbi,
        functionName: 'balanceOf',
        args: [address],
      }),
    transactionsOf: (address) => chain.client.getTransactionCount({ address }),
    memberCount: () => chain.client.readContract({ ...rewards, functionName: 'totalNodes' }),
    async memberId(keysFolder) {
      const { keys } = await nodeOf(keysFolder)
      const args = [BigInt(`0x${keys.key}`)] as const
      return await chain.client.readContract({ ...rewards, functionName: 'ed25519ToServiceNodeID', args })
    },
    async passTime(seconds) {
      await chain.client.increaseTime({ seconds })
      await chain.client.mine({ blocks: 1 })
    },
    newFolder,
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]()
      await chain[Symbol.asyncDispose]()
    },
  }
}
