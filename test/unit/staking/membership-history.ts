import { english, generateMnemonic, mnemonicToAccount } from 'viem/accounts'
import { expect } from 'vitest'
import { aKeySet, createStakingNetwork, integerOf, type Keys, STAKE } from '../../../contracts/test/staking-network.ts'
import { toHex } from '../../../src/base/bytes.ts'
import { HOUR } from '../../../src/base/clock.ts'
import { blsPublicKeyParameter } from '../../../src/crypto/bls.ts'
import { networkIdOf } from '../../../src/protocol/network-id.ts'
import type { Member, MembershipEpoch } from '../../../src/protocol/service-node.ts'
import { memberRoot } from '../../../src/staking/member-root.ts'
import { ledgerFilePath, readLedgerFile } from '../../../src/staking/rewards/ledger-file.ts'
import { LogHistory } from '../../../src/staking/rewards/log-history.ts'
import { defaultRewardsOptions, ledgerRules } from '../../../src/staking/rewards/options.ts'
import { membersOfLogs, membersOfState, type SeededFacts } from './contract-truth.ts'
import { openLedger, type RewardsChain, rewardsChainOn, type TestLedger } from './rewards/rewards-chain.ts'
import { temporaryFolder } from './staked-chain.ts'
import { openFollower, type TestFollower } from './test-follower.ts'

// A chain with members that were there before the start and others that come and go, and nodes that follow it: two that look when
// they are told to, and a ledger, whose members come from logs alone.

export const EPOCH_S = 600
/** Registrations choose among so few that keys come back after an exit, and after a reorganisation under the same id. */
const KEYS = 10
const NODES = 2

export async function beginHistory(seeded: number): Promise<History> {
  const cleanup = new AsyncDisposableStack()
  try {
    const mnemonic = generateMnemonic(english)
    const operator = mnemonicToAccount(mnemonic, { addressIndex: 1 }).address
    const keys = Array.from({ length: seeded + KEYS }, aKeySet)
    const addedTimestampS = 1_700_000_000n
    const seedMembers = keys.slice(0, seeded).map(({ publicKey, ed25519 }) => ({
      ...{ blsPubkey: blsPublicKeyParameter(publicKey), ed25519Pubkey: integerOf(ed25519) },
      ...{ addedTimestampS, operator },
    }))
    const network = cleanup.use(await createStakingNetwork({ seedMembers, startsEmpty: false }, { mnemonic }))
    const chain = rewardsChainOn(network, new Map(keys.map((set) => [toHex(set.publicKey), set])))
    // Both epochs that a node begins with are after the start.
    await chain.passTime(2 * EPOCH_S)
    await chain.finalize()
    const folders = await Promise.all(
      Array.from({ length: NODES + 2 }, async () => cleanup.use(await temporaryFolder()).path),
    )
    const startBlock = await network.owner.getBlockNumber()
    const seededFacts = { operator: lowerCase(operator), addedTimestampS, depositAtomic: STAKE }
    const history = new History({ chain, keys, seededFacts, startBlock, folders, cleanup })
    await history.open()
    return history
  } catch (error) {
    await cleanup.disposeAsync()
    throw error
  }
}

interface Beginning {
  readonly chain: RewardsChain
  readonly keys: readonly Keys[]
  readonly seededFacts: SeededFacts
  /** The chain does not reorganise what was before. */
  readonly startBlock: bigint
  readonly folders: readonly string[]
  readonly cleanup: AsyncDisposableStack
}

export class History implements AsyncDisposable {
  readonly #begun: Beginning
  readonly #nodes: TestFollower[] = []
  /** The contract's list at each block that counted for an epoch, also where the block is gone meanwhile. */
  readonly #truths = new Map<string, readonly Member[]>()
  #ledger: TestLedger | undefined

  constructor(begun: Beginning) {
    this.#begun = begun
  }

  async open(): Promise<void> {
    const { cleanup, chain } = this.#begun
    cleanup.defer(async () => {
      for (const node of this.#nodes) await node[Symbol.asyncDispose]()
    })
    for (let place = 0; place < NODES; place++) await this.#open(place)
    const rules = { deployedBlock: Number(chain.network.deployedAtBlock) }
    this.#ledger = cleanup.use(
      await openLedger(chain, this.#urls(0), this.#folder(LEDGER_PLACE), { logPageBlocks: 7, rules }),
    )
  }

  // ------------------------------------------------------------------------------------------------- what may happen

  async register({ keys, pooled }: { keys: number; pooled: boolean }): Promise<void> {
    const members = new Set((await this.#begun.chain.members()).map(({ ed25519 }) => toHex(ed25519)))
    const free = this.#begun.keys.filter(({ ed25519 }) => !members.has(toHex(ed25519)))
    const chosen = free[keys % free.length]
    if (chosen !== undefined) await this.#begun.chain.register({ keys: chosen, pooled })
  }

  async leave(how: 'request-exit' | 'exit-after-wait' | 'exit' | 'liquidate', pick: number): Promise<void> {
    const { chain } = this.#begun
    const members = await chain.members()
    const member = members[pick % members.length]
    if (member === undefined || members.length < 4) return
    if (how === 'request-exit') await chain.requestExit(member.id)
    else if (how === 'exit-after-wait') await chain.exitAfterWait(member.id)
    else await chain.remove(member.id, how)
  }

  async passTime(seconds: number): Promise<void> {
    await this.#begun.chain.passTime(seconds)
    await this.#begun.chain.finalize()
  }

  /** One look suffices, whatever happened before: to the newest epoch, on the chain as it is now. */
  async look(place: number): Promise<void> {
    const { follower } = this.#node(place)
    await follower.refresh()
    expect(follower.status().lastError).toBeUndefined()
    const current = follower.current()
    const { owner } = this.#begun.chain.network
    const newest = await this.#newestEpoch()
    // Of a chain that was longer before, the node keeps what it had until this one is as long.
    if (current === undefined || current.index > newest) return
    expect(current.index).toBe(newest)
    expect(current.blockHash).toBe((await owner.getBlock({ blockNumber: current.blockNumber })).hash)
  }

  async restart(place: number): Promise<void> {
    await this.#node(place)[Symbol.asyncDispose]()
    await this.#open(place)
  }

  /** Looks when the hour is over after which logs are not relied on. */
  async readAnew(place: number): Promise<void> {
    this.#node(place).clock.advance(HOUR)
    await this.look(place)
  }

  /** Replaces the newest blocks, final ones among them, by empty ones. */
  async reorganise({ depth, duringALook }: { depth: number; duringALook: boolean }): Promise<void> {
    await this.expectIndexIsTrue()
    await this.#rememberEpochs()
    const { owner } = this.#begun.chain.network
    const looks = duringALook ? this.#nodes.map(({ follower }) => follower.refresh()) : []
    const deepest = (await owner.getBlockNumber()) - this.#begun.startBlock
    const blocks = Math.min(depth, Number(deepest))
    if (blocks > 0) await owner.request({ method: 'anvil_reorg', params: [blocks, []] } as never)
    await Promise.all(looks)
    await this.expectIndexIsTrue()
  }

  // ---------------------------------------------------------------------------------------------------- what must hold

  /** Each node believes what the contract said at a block that was final when the node looked. */
  async expectBelievedIsTrue(): Promise<void> {
    for (const { follower } of this.#nodes) {
      for (const epoch of [follower.current(), follower.previous()]) {
        if (epoch !== undefined) await this.#expectTrue(epoch)
      }
    }
  }

  /** The ledger's index comes to the finalized head within a few looks, and has the contract's members there. */
  async expectIndexIsTrue(): Promise<void> {
    const { owner } = this.#begun.chain.network
    const head = await owner.getBlock({ blockTag: 'finalized' })
    if (this.#ledger === undefined) throw new Error('A history that was opened has a ledger')
    const { ledger } = this.#ledger
    const isThere = () => ledger.status().block === Number(head.number) && ledger.status().lastError === undefined
    // One look takes back what is not so any more, the next one reads on.
    for (let looks = 0; looks === 0 || (looks < 3 && !isThere()); looks++) await ledger.refresh()
    expect(ledger.status()).toMatchObject({ block: Number(head.number), lastError: undefined, dissent: undefined })
    const truth = await this.#truthAt(head.number)
    const pairs = truth.map(({ id, bls }) => ({ id, bls }))
    expect(await this.#indexed()).toEqual(pairs)
  }

  /** After two more epochs all nodes have the same list, be they old, restarted or new, and it is the contract's. */
  async expectAgreement(): Promise<void> {
    await this.expectIndexIsTrue()
    const { chain } = this.#begun
    const timestampS = (await chain.network.owner.getBlock()).timestamp
    const believed = this.#nodes.map(({ follower }) => follower.current()?.index ?? 0)
    const index = Math.max(Number(timestampS / BigInt(EPOCH_S)), ...believed) + 2
    await this.passTime(index * EPOCH_S + 5 - Number(timestampS))
    const { follower: newcomer } = await this.#open(NODES)
    for (let place = 0; place < NODES; place++) await this.look(place)
    await this.expectBelievedIsTrue()
    for (const { follower } of this.#nodes) {
      expect(follower.status()).toMatchObject({ lastError: undefined, currentEpoch: index })
      expect(follower.current()).toEqual(newcomer.current())
      expect(follower.previous()).toEqual(newcomer.previous())
      const block = await chain.network.owner.getBlock({ blockNumber: newcomer.current()?.blockNumber ?? 0n })
      expect(follower.current()?.blockHash).toBe(block.hash)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#begun.cleanup.disposeAsync()
  }

  // ------------------------------------------------------------------------------------------------------------- parts

  async #expectTrue(epoch: MembershipEpoch): Promise<void> {
    const block = await this.#begun.chain.network.owner.getBlock({ blockNumber: epoch.blockNumber }).catch(() => null)
    if (block?.hash === epoch.blockHash) await this.#truthAt(epoch.blockNumber)
    const truth = this.#truths.get(epoch.blockHash)
    if (truth === undefined) throw new Error(`A block that never counted: ${epoch.blockNumber}`)
    expect(epoch.members).toEqual(truth)
    expect(epoch.root).toBe(memberRoot(truth))
  }

  /** The contract's list, after a check that its logs give the same. */
  async #truthAt(blockNumber: bigint): Promise<readonly Member[]> {
    const { chain, seededFacts } = this.#begun
    const { hash } = await chain.network.owner.getBlock({ blockNumber })
    const known = this.#truths.get(hash)
    if (known !== undefined) return known
    const truth = await membersOfState(chain.network, blockNumber)
    expect(await membersOfLogs(chain.network, blockNumber, seededFacts)).toEqual(truth)
    this.#truths.set(hash, truth)
    return truth
  }

  /** What a look under way may still find: the blocks of the last two epochs. */
  async #rememberEpochs(): Promise<void> {
    const { owner } = this.#begun.chain.network
    const newest = await this.#newestEpoch()
    let block = await owner.getBlock({ blockTag: 'finalized' })
    for (const index of [newest, newest - 1]) {
      while (block.timestamp > BigInt(index) * BigInt(EPOCH_S) && block.number > 0n)
        block = await owner.getBlock({ blockNumber: block.number - 1n })
      await this.#truthAt(block.number)
    }
  }

  async #newestEpoch(): Promise<number> {
    const head = await this.#begun.chain.network.owner.getBlock({ blockTag: 'finalized' })
    return Number((head.timestamp - 1n) / BigInt(EPOCH_S))
  }

  /** From the file: what a restarted ledger would go on with. */
  async #indexed(): Promise<readonly Pick<Member, 'id' | 'bls'>[]> {
    const { anvil, rewards } = this.#begun.chain.network
    const scope = { ...defaultRewardsOptions, network: networkIdOf(anvil.chainId, rewards) }
    const kept = await readLedgerFile(ledgerFilePath(this.#folder(LEDGER_PLACE)), scope)
    if (kept === undefined) throw new Error('A ledger is kept on disk')
    const rules = ledgerRules(defaultRewardsOptions, { membersMax: 100 })
    const members = new LogHistory(rules, kept.history).ledger.members()
    return members.map(({ id, bls }) => ({ id, bls })).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  #node(place: number): TestFollower {
    const node = this.#nodes[place]
    if (node === undefined) throw new RangeError('There are two nodes')
    return node
  }

  async #open(place: number): Promise<TestFollower> {
    const { network } = this.#begun.chain
    const chain = { anvil: network.anvil, staking: network }
    const node = await openFollower(chain, this.#urls(place), this.#folder(place), {
      ...{ epochLengthS: EPOCH_S, logPageBlocks: place === 0 ? 3 : 500, backOffMinMs: 0, backOffMaxMs: 0 },
    })
    this.#nodes[place] = node
    return node
  }

  /** Two providers, of which another one comes first for each node. */
  #urls(place: number): readonly string[] {
    const { rpcUrl } = this.#begun.chain.network.anvil
    const urls = [rpcUrl, `${rpcUrl}/?second`]
    return place % 2 === 0 ? urls : urls.toReversed()
  }

  #folder(place: number): string {
    return this.#begun.folders[place] ?? ''
  }
}

const LEDGER_PLACE = NODES + 1

function lowerCase(address: string): Member['operator'] {
  return address.toLowerCase() as Member['operator']
}
