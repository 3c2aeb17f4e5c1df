import { expect } from 'vitest'
import { startAnvil } from '../../../devnet/chain/anvil.ts'
import { toHex } from '../../../src/base/bytes.ts'
import type { Logger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { chainTrouble, providersTrouble } from '../../../src/node/chain-trouble.ts'
import type { MembershipEpoch } from '../../../src/protocol/service-node.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import { createMembershipFollower, type MembershipFollower } from '../../../src/staking/membership-follower.ts'
import { createStakingMetrics } from '../../../src/staking/metrics.ts'
import { createChainProviders } from '../../../src/staking/providers.ts'
import { type Behaviour, type RpcProxy, startRpcProxy } from './rpc-proxy.ts'
import { aClock, createStakedChain, type StakedChain, temporaryFolder, testStakingOptions } from './staked-chain.ts'

// One chain that goes on for hours, and nodes that follow it through three providers each, some of which do not do as they should. The
// clock is the chain's, and passes when told to.

/** Looks at the chain, as by default. */
const POLL_S = 20
/** A block each, while nothing else is asked for. */
const STEP_S = 10
export const EPOCH_S = 30
export const BUDGET = { requestsPerSecond: 2, requestsBurst: 150 }
/** Blocks before all that: more than a stale provider is behind. */
const BLOCKS_BEFORE = 620

export interface Fault {
  readonly name: string
  /** Real time, in which honest providers must answer on a busy machine too. */
  readonly requestTimeoutMs?: number
  /** What each of the three providers does meanwhile; none is honest. */
  readonly providers: (world: FaultWorld, row: Row) => readonly (Behaviour | undefined)[]
}

/** A node of the table. */
export class Row {
  readonly fault: Fault
  readonly clock: ReturnType<typeof aClock>
  readonly proxies: readonly RpcProxy[]
  readonly epochs: MembershipEpoch[] = []
  readonly warnings: string[] = []
  readonly registry = createMetricsRegistry()
  readonly startedAtMs: number
  follower!: MembershipFollower
  /** When the first false list was told: lists are not asked for all the time. */
  liedAtMs: number | undefined
  /** Longest waits that were seen, in seconds of the node's clock. */
  degradedAfterS: number | undefined
  wellAfterS: number | undefined

  constructor(fault: Fault, clock: ReturnType<typeof aClock>, proxies: readonly RpcProxy[]) {
    this.fault = fault
    this.clock = clock
    this.proxies = proxies
    this.startedAtMs = clock.nowMs()
  }

  /** What the operator is told. */
  trouble(): string | undefined {
    const status = this.follower.status()
    return chainTrouble(status) ?? providersTrouble(status)
  }
}

export class FaultWorld implements AsyncDisposable {
  readonly chain: StakedChain
  readonly elsewhere: string
  readonly #cleanup: AsyncDisposableStack
  readonly #truths = new Map<bigint, Promise<readonly string[]>>()
  #nowS: bigint

  private constructor(chain: StakedChain, elsewhere: string, nowS: bigint, cleanup: AsyncDisposableStack) {
    this.chain = chain
    this.elsewhere = elsewhere
    this.#nowS = nowS
    this.#cleanup = cleanup
  }

  static async begin(register: (chain: StakedChain) => Promise<void>): Promise<FaultWorld> {
    const cleanup = new AsyncDisposableStack()
    const chain = cleanup.use(await createStakedChain())
    const other = cleanup.use(await startAnvil({ chainId: 7, accountCount: 1 }))
    // A few at once, for a busy machine takes seconds over many.
    for (let mined = 0; mined < BLOCKS_BEFORE; mined += 62) await chain.client.mine({ blocks: 62, interval: 1 })
    await register(chain)
    return new FaultWorld(chain, other.rpcUrl, await chain.latestTimestampS(), cleanup)
  }

  get nowMs(): number {
    return Number(this.#nowS) * 1000
  }

  async openRow(fault: Fault): Promise<Row> {
    const proxies = await Promise.all([0, 1, 2].map(() => startRpcProxy(this.chain.anvil.rpcUrl)))
    for (const proxy of proxies) this.#cleanup.use(proxy)
    const clock = aClock()
    clock.advance(this.nowMs - clock.nowMs())
    const row = new Row(fault, clock, proxies)
    const folder = this.#cleanup.use(await temporaryFolder())
    const rpcUrls = proxies.map(({ url }) => url)
    const components = {
      ...{ log: collecting(row.warnings), clock, metrics: createStakingMetrics(row.registry) },
      pause: async (ms: number) => clock.advance(ms),
    }
    const options = {
      ...testStakingOptions(this.chain, rpcUrls, folder.path),
      ...{ epochLengthS: EPOCH_S, requestTimeoutMs: fault.requestTimeoutMs ?? 20_000, ...BUDGET },
    }
    const providers = createChainProviders(components, options)
    row.follower = this.#cleanup.use(await createMembershipFollower({ ...components, providers }, options))
    const known = row.follower.current()
    if (known !== undefined) row.epochs.push(known)
    row.follower.onEpoch((epoch) => row.epochs.push(epoch))
    return row
  }

  /** Time passes for all; those that look do so when it is their time, the first time when a whole interval has passed. */
  async pass(seconds: number, rows: readonly Row[], afterStep: (passedS: number) => void = () => {}): Promise<void> {
    for (let passed = STEP_S; passed <= seconds; passed += STEP_S) {
      await this.#mine(STEP_S)
      for (const { clock } of rows) clock.advance(STEP_S * 1000)
      if (passed % POLL_S === 0) await Promise.all(rows.map(({ follower }) => follower.refresh()))
      afterStep(passed)
    }
  }

  /** One block, a long time after the one before, and nobody looks. */
  async passUnseen(seconds: number, rows: readonly Row[]): Promise<void> {
    await this.#mine(seconds)
    for (const { clock } of rows) clock.advance(seconds * 1000)
  }

  /** Replaces the newest blocks by empty ones. */
  async reorganise(blocks: number): Promise<void> {
    await this.chain.client.request({ method: 'anvil_reorg', params: [blocks, []] } as never)
    this.#truths.clear()
    const latestS = await this.chain.latestTimestampS()
    if (latestS > this.#nowS) this.#nowS = latestS
  }

  /** The list of an epoch is what the contract itself said at the last block with a timestamp at or before the boundary. */
  async expectTrue(epoch: MembershipEpoch): Promise<void> {
    const { client } = this.chain
    const [block, next] = await Promise.all(
      [epoch.blockNumber, epoch.blockNumber + 1n].map((blockNumber) => client.getBlock({ blockNumber })),
    )
    const boundaryS = BigInt(epoch.index * EPOCH_S)
    expect(block).toMatchObject({ hash: epoch.blockHash, timestamp: epoch.blockTimestampS })
    expect(epoch.blockTimestampS <= boundaryS && (next?.timestamp ?? 0n) > boundaryS).toBe(true)
    const told = epoch.members.map(({ id, key, bls, leaveRequestTimestampS }) =>
      [id, key, bls, leaveRequestTimestampS].join(' '),
    )
    expect(told).toEqual(await this.#truthAt(epoch.blockNumber))
  }

  #truthAt(blockNumber: bigint): Promise<readonly string[]> {
    const known = this.#truths.get(blockNumber) ?? this.#readTruth(blockNumber)
    this.#truths.set(blockNumber, known)
    return known
  }

  async #readTruth(blockNumber: bigint): Promise<readonly string[]> {
    const contract = { address: this.chain.staking.rewards, abi: serviceNodeRewardsAbi, blockNumber } as const
    const [ids] = await this.chain.client.readContract({ ...contract, functionName: 'allServiceNodeIDs' })
    const ascending = ids.toSorted((a, b) => Number(a - b))
    return await Promise.all(
      ascending.map(async (id) => {
        const node = await this.chain.client.readContract({ ...contract, functionName: 'serviceNodes', args: [id] })
        const { X, Y } = node.blsPubkey
        return [id, word(node.ed25519Pubkey), word(X) + word(Y), node.leaveRequestTimestamp].join(' ')
      }),
    )
  }

  async #mine(seconds: number): Promise<void> {
    this.#nowS += BigInt(seconds)
    // Transactions of the test have made blocks of their own, in seconds of their own.
    const latestS = await this.chain.latestTimestampS()
    if (latestS >= this.#nowS) this.#nowS = latestS + 1n
    await this.chain.mineAt(this.#nowS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync()
  }
}

function word(value: bigint): string {
  return toHex(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
}

function collecting(lines: string[]): Logger {
  const line = (facts: object, sentence: string) => void lines.push(`${JSON.stringify(facts)} ${sentence}`)
  const ignore = () => {}
  const log: Logger = { error: line, warn: line, info: ignore, debug: ignore, trace: ignore, part: () => log }
  return log
}
