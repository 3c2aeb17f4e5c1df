import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { bytesToHex, type Hex } from 'viem'
import { english, generateMnemonic, mnemonicToAccount } from 'viem/accounts'
import { type DurationMs, SECOND } from '../../src/base/clock.ts'
import { withDeadline } from '../../src/base/deadline.ts'

// A local chain for the devnet and for tests.

export interface AnvilAccount {
  readonly address: Hex
  readonly privateKey: Hex
}

/** A running chain; disposal ends it. */
export interface Anvil extends AsyncDisposable {
  readonly rpcUrl: string
  readonly chainId: number
  /** Each owns plenty of ether. */
  readonly accounts: readonly AnvilAccount[]
  readonly pid: number
}

export interface AnvilOptions {
  /** The default is anvil's own, 31337. */
  readonly chainId?: number
  /** Without it a block is mined for each transaction, at once. */
  readonly blockTimeS?: number
  /** Unix seconds of the first block; now by default. A chain that begins in the past can be moved on to the present, where the clocks of nodes are. */
  readonly genesisTimestampS?: number
  /** 127.0.0.1 by default. */
  readonly address?: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  readonly accountCount?: number
  /** Fresh by default, so that the accounts are nobody else's. */
  readonly mnemonic?: string
  /** Ends the wait for the start; a started chain ends by disposal. */
  readonly signal?: AbortSignal
}

const START_MAX_MS: DurationMs = 20 * SECOND
const STOP_MAX_MS: DurationMs = 5 * SECOND
const DEFAULT_CHAIN_ID = 31337
const DEFAULT_ACCOUNT_COUNT = 10

/**
 * Ends the chain when this process ends, however it ends: a killed parent cannot clean up, but its end of the pipe on standard
 * input closes. `$@` is the command; its process id comes first on standard output.
 */
const WATCHDOG = `
exec 3<&0
"$@" </dev/null 3<&- &
chain=$!
echo "pid $chain"
(read -r _ <&3; kill $chain) 2>/dev/null &
watchdog=$!
wait $chain
code=$?
kill $watchdog 2>/dev/null
exit $code
`

/** Starts a chain of its own and waits until it listens. */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const chainId = options.chainId ?? DEFAULT_CHAIN_ID
  const accountCount = options.accountCount ?? DEFAULT_ACCOUNT_COUNT
  const mnemonic = options.mnemonic ?? generateMnemonic(english)
  const child = spawn(
    'sh',
    ['-c', WATCHDOG, 'anvil', ...anvilCommand(), ...anvilArguments(options, chainId, mnemonic)],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  )
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  // Of a pipe whose other end is gone there is nothing to say: the exit says it.
  child.stdin.on('error', () => {})
  let pid: number | undefined
  const stop = async () => {
    child.stdin.end()
    const timer = setTimeout(() => pid !== undefined && endAtOnce(pid), STOP_MAX_MS)
    await exited
    clearTimeout(timer)
  }

  try {
    const ready = await untilListening(child, child.stdout, child.stderr, withDeadline(START_MAX_MS, options.signal))
    pid = ready.pid
    return {
      rpcUrl: `http://${ready.address}`,
      chainId,
      accounts: Array.from({ length: accountCount }, (_, index) => accountOf(mnemonic, index)),
      pid,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function endAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

function anvilArguments(options: AnvilOptions, chainId: number, mnemonic: string): string[] {
  return [
    ...['--host', options.address ?? '127.0.0.1', '--port', String(options.port ?? 0)],
    ...['--chain-id', String(chainId), '--mnemonic', mnemonic],
    ...['--accounts', String(options.accountCount ?? DEFAULT_ACCOUNT_COUNT)],
    // Makes `safe` lag by one block and `finalized` by two instead of 32 and 64.
    ...['--slots-in-an-epoch', '1'],
    ...(options.blockTimeS === undefined ? [] : ['--block-time', String(options.blockTimeS)]),
    ...(options.genesisTimestampS === undefined ? [] : ['--timestamp', String(options.genesisTimestampS)]),
  ]
}

/** The native program of the platform's package; its wrapper script where that package is missing. */
function anvilCommand(): string[] {
  const require = createRequire(import.meta.url)
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  try {
    const manifest = require.resolve(`@foundry-rs/anvil-${process.platform}-${architecture}/package.json`)
    return [join(dirname(manifest), 'bin/anvil')]
  } catch {
    return [process.execPath, join(dirname(require.resolve('@foundry-rs/anvil/package.json')), 'bin.mjs')]
  }
}

/** Reads the process id and the address that it prints; the rest of its output is discarded. */
function untilListening(
  child: ChildProcess,
  stdout: Readable,
  stderr: Readable,
  signal: AbortSignal,
): Promise<{ pid: number; address: string }> {
  return new Promise((resolve, reject) => {
    let pid = 0
    let complaint = ''
    stderr.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk.toString()}`.slice(-2000)
    })
    createInterface({ input: stdout }).on('line', (line) => {
      const [, word, value] = /^(pid|Listening on) (\S+)/.exec(line) ?? []
      if (word === 'pid') pid = Number(value)
      if (word === 'Listening on' && value !== undefined) resolve({ pid, address: value })
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`anvil did not start: ${complaint}`)))
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    if (signal.aborted) reject(signal.reason)
  })
}

function accountOf(mnemonic: string, addressIndex: number): AnvilAccount {
  const account = mnemonicToAccount(mnemonic, { addressIndex })
  const privateKey = account.getHdKey().privateKey
  if (privateKey === null) throw new Error('A mnemonic gives private keys')
  return { address: account.address, privateKey: bytesToHex(privateKey) }
}
