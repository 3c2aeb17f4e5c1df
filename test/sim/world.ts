// One simulated network from one seed: who is in it, what clients ask, what goes wrong, and what is true in the end.
import { type DurationMs, SECOND } from '../../src/base/clock.ts'
import type { AccountId } from '../../src/protocol/account.ts'
import { CONTENTS_BUCKET_MS } from '../../src/protocol/contents.ts'
import type { MessageHash, StoredMessage } from '../../src/protocol/message.ts'
import type { NetworkId } from '../../src/protocol/network-id.ts'
import type { MembershipEpoch, ServiceNodeKey } from '../../src/protocol/service-node.ts'
import { swarmSpaceOf } from '../../src/protocol/swarm-space.ts'
import { defaultSwarmOptions } from '../../src/swarm/options.ts'
import { SwarmMap } from '../../src/swarm/swarm-map.ts'
import { type Chance, createChance } from '../support/chance.ts'
import { aMember, anEpoch } from '../unit/swarm/member-lists.ts'
import { type Judgement, mayEndAtMs, mustBeGone, mustBeHeld } from './checker.ts'
import { Clients } from './clients.ts'
import { planFaults } from './faults.ts'
import { Machine } from './machine.ts'
import { SimulatedNetwork } from './network.ts'
import { VirtualTime } from './virtual-time.ts'

/** 2027-01-15. */
const START_MS = 1_800_000_000_000
const NETWORK_ID = '5e'.repeat(32) as NetworkId
export const EPOCH_MS: DurationMs = 20 * SECOND
/** How long clients ask and things go wrong. */
export const TROUBLE_MS: DurationMs = 60 * SECOND
/** How long members may then take to become equal. */
const EQUAL_WITHIN_MS: DurationMs = 180 * SECOND
const LOOK_INTERVAL_MS: DurationMs = 5 * SECOND
/** What may be left of a message's life when members do not compare it any more: the bucket of now, and the next. */
const UNCOMPARED_MS: DurationMs = 2 * CONTENTS_BUCKET_MS
/** Nodes hear of an epoch within this. */
const LOOK_AT_CHAIN_MS: DurationMs = 4 * SECOND
/** How often it is asked whether a machine that was empty has all, and for how long. */
const JOIN_LOOK_MS: DurationMs = 200
const JOIN_WATCHED_MS: DurationMs = 120 * SECOND
/** No fault sets two clocks further apart. */
export const SKEW_MAX_MS: DurationMs = 60 * SECOND

export interface Verdict {
  /** What is wrong; empty when all is well. */
  readonly faults: readonly string[]
  readonly acknowledged: number
  /** Checked messages that had to be there, and that had not. */
  readonly heldChecked: number
  readonly goneChecked: number
  /** From the end of all trouble. */
  readonly equalAfterMs: DurationMs | undefined
  readonly bytes: number
}

export class World {
  readonly chance: Chance
  readonly time = new VirtualTime(START_MS)
  readonly network: SimulatedNetwork
  readonly machines: readonly Machine[]
  readonly clients: Clients
  /** Machines that the contract lists. */
  readonly listed: Set<Machine>
  readonly #sizeMin: number
  #epochs: MembershipEpoch[] = []
  #map: SwarmMap | undefined
  readonly #maps = new Map<number, SwarmMap>()
  /** Found on the way. */
  readonly #faults = new Set<string>()
  /** The most that clocks have been apart. */
  skewMs = 0

  constructor(seed: number) {
    this.chance = createChance(seed)
    const { chance, time } = this
    this.#sizeMin = chance.below(3) === 0 ? 3 : 5
    const spare = 2
    const count = 5 + chance.below(5)
    this.network = new SimulatedNetwork(time, {
      delayMs: () => (chance.below(50) === 0 ? chance.below(3 * SECOND) : 1 + chance.below(60)),
      isLost: () => this.isTroubled && chance.below(40) === 0,
      isDoubled: () => this.isTroubled && chance.below(20) === 0,
    })
    const diskChance = {
      latencyMs: () => (chance.below(100) === 0 ? chance.below(SECOND) : chance.below(8)),
      fault: () => this.#diskFault(),
    }
    const components = {
      time,
      network: this.network,
      networkId: NETWORK_ID,
      diskChance,
      random: () => chance.below(2 ** 20) / 2 ** 20,
    }
    this.machines = Array.from({ length: count + spare }, (_, number) => new Machine(components, number, this.#sizeMin))
    this.listed = new Set(this.machines.slice(0, count))
    this.clients = new Clients(
      {
        ...{ time, chance, swarmOf: ({ id }) => this.#askable(id) },
        turnedAway: (machine, account) => this.#checkTurnedAway(machine, account),
      },
      2 + chance.below(3),
    )
  }

  get isTroubled(): boolean {
    return this.time.elapsedMs < TROUBLE_MS
  }

  /** Machines of the swarm that keeps an account, as the contract has it. */
  swarmOf(account: AccountId): readonly Machine[] {
    const members = this.#map?.swarmAt(swarmSpaceOf(account))?.members ?? []
    return this.machines.filter(({ key }) => members.includes(key))
  }

  /** Machines that clients ask: they learn of another swarm late. */
  #askable(account: AccountId): readonly Machine[] {
    const index = this.#epochs.at(-1)?.index ?? 0
    const lately = this.chance.below(4) === 0 ? index - 1 : index
    const members = this.#membersAt(account, lately)
    return this.machines.filter(({ key }) => members.includes(key))
  }

  #membersAt(account: AccountId, index: number): readonly ServiceNodeKey[] {
    return this.#maps.get(index)?.swarmAt(swarmSpaceOf(account))?.members ?? []
  }

  /** For one epoch after a change, nobody is told that he is wrong by a node that still serves the account. */
  #checkTurnedAway({ key, membership }: Machine, account: AccountId): void {
    const known = membership?.epoch()?.index
    if (known === undefined) return
    const serves = [known, known - 1].some((index) => this.#membersAt(account, index).includes(key))
    if (serves) this.#faults.add(`turned away: by a member of the swarm of account ${account.slice(0, 8)}`)
  }

  async run(): Promise<Verdict> {
    this.beginEpoch()
    for (const machine of this.listed) await this.start(machine)
    this.#planEpochs()
    for (let left = 25 + this.chance.below(25); left > 0; left--) {
      this.time.after(this.chance.below(TROUBLE_MS), () => this.clients.act())
    }
    planFaults(this)
    await this.time.runUntil(TROUBLE_MS)
    await this.#endTrouble()
    const equalAfterMs = await this.#runUntilEqual()
    return this.#judge(equalAfterMs)
  }

  async start(machine: Machine): Promise<void> {
    if (machine.isRunning) return
    await machine.start(this.#epochs.slice(-2))
    // It catches up with the chain; far behind, it skips to the last two epochs.
    this.time.after(this.chance.below(LOOK_AT_CHAIN_MS), () => {
      for (const epoch of this.#epochs.slice(-2)) machine.learn(epoch)
    })
  }

  /** Starts a machine that has nothing, and holds it to what it says as soon as it says that it has all. */
  async startEmpty(machine: Machine): Promise<void> {
    machine.wasEmpty = true
    // Started by another fault, it has taken part since then.
    if (machine.isRunning) return
    await this.start(machine)
    const sinceMs = this.time.elapsedMs
    for (const { id } of this.clients.accounts) this.#watchJoin(machine, id, sinceMs)
  }

  #watchJoin(machine: Machine, account: AccountId, sinceMs: DurationMs): void {
    if (this.time.elapsedMs - sinceMs > JOIN_WATCHED_MS) return
    this.time.after(JOIN_LOOK_MS, async () => {
      if (!machine.isRunning || !this.swarmOf(account).includes(machine)) return
      if (machine.isComplete(account)) await this.#checkJoined(machine, account, sinceMs)
      else this.#watchJoin(machine, account, sinceMs)
    })
  }

  /** What all others had acknowledged before it began, it has to have. */
  async #checkJoined(machine: Machine, account: AccountId, sinceMs: DurationMs): Promise<void> {
    const others = this.swarmOf(account).filter((each) => each !== machine)
    const known = this.clients.history.filter(
      (each) =>
        each.kind === 'store' && each.account === account && (each.endedMs ?? Number.POSITIVE_INFINITY) < sinceMs,
    )
    const held = mustBeHeld(this.#judgement())
    const there = await machine.holdings(account)
    for (const each of known) {
      if (each.kind !== 'store' || !held.has(each) || there.has(each.hash)) continue
      // By the clock of whoever it asked, it may have ended.
      if (each.expiryMs <= this.time.nowMs + this.skewMs) continue
      if (!others.every(({ key, isWiped }) => each.acknowledgedBy.includes(key) && !isWiped)) continue
      this.#faults.add(
        `incomplete: ${each.hash} of ${account.slice(0, 8)} on machine ${this.machines.indexOf(machine)}`,
      )
    }
  }

  #judgement(): Judgement {
    return {
      history: this.clients.history,
      nowMs: this.time.nowMs,
      skewMs: this.skewMs,
      lasting: new Set(this.machines.filter(({ isWiped, hasLeft }) => !isWiped && !hasLeft).map(({ key }) => key)),
    }
  }

  /** The contract's list at the boundary of an epoch. */
  beginEpoch(): void {
    const members = [...this.listed].map((machine) => aMember(this.machines.indexOf(machine), { key: machine.key }))
    const epoch = anEpoch((this.#epochs.at(-1)?.index ?? 0) + 1, members)
    this.#epochs.push(epoch)
    this.#map = new SwarmMap(epoch, NETWORK_ID, { ...defaultSwarmOptions, sizeMin: this.#sizeMin }, this.#map)
    this.#maps.set(epoch.index, this.#map)
    for (const machine of this.machines) {
      // Nodes look at the chain each in its own time.
      this.time.after(this.chance.below(LOOK_AT_CHAIN_MS), () => machine.learn(epoch))
    }
  }

  #planEpochs(): void {
    for (let atMs = EPOCH_MS; atMs <= TROUBLE_MS + EQUAL_WITHIN_MS; atMs += EPOCH_MS) {
      this.time.after(atMs, () => this.beginEpoch())
    }
  }

  #diskFault() {
    if (!this.isTroubled || this.chance.below(3000) !== 0) return 'none' as const
    return this.chance.pick(['nothing-written', 'written-unsaid'] as const)
  }

  async #endTrouble(): Promise<void> {
    this.network.heal()
    for (const machine of this.machines) {
      machine.wall.skewMs = 0
      if (machine.isBroken) machine.crash()
    }
    for (const machine of this.listed) await this.start(machine)
  }

  async #runUntilEqual(): Promise<DurationMs | undefined> {
    for (let afterMs = LOOK_INTERVAL_MS; afterMs <= EQUAL_WITHIN_MS; afterMs += LOOK_INTERVAL_MS) {
      await this.time.runUntil(TROUBLE_MS + afterMs)
      for (const machine of this.listed) {
        if (!machine.isBroken) continue
        machine.crash()
        await this.start(machine)
      }
      if ((await this.#differences()).length === 0) return afterMs
    }
    return undefined
  }

  async #judge(equalAfterMs: DurationMs | undefined): Promise<Verdict> {
    const faults = [...this.#faults, ...(equalAfterMs === undefined ? await this.#differences() : [])]
    const judgement = this.#judgement()
    const held = mustBeHeld(judgement)
    const gone = mustBeGone(judgement)
    for (const { id } of this.clients.accounts) {
      const asked = this.clients.history.filter((each) => each.kind === 'store').filter(({ account }) => account === id)
      const machines = this.swarmOf(id)
      const holdings = await Promise.all(machines.map((machine) => machine.holdings(id)))
      for (const store of asked) {
        const { hash } = store
        const holders = machines.filter((_, at) => holdings[at]?.has(hash))
        const where = `${hash} of ${id.slice(0, 8)} is on ${holders.length} of ${machines.length} machines`
        if (gone.has(hash) && holders.length > 0) faults.push(`came back: ${where}`)
        if (!held.has(store)) continue
        // What ends soon is not compared, so it is where it was acknowledged, and where hand-off could bring it.
        const isSpread = mayEndAtMs(this.clients.history, store) > this.time.nowMs + UNCOMPARED_MS
        if (isSpread && 2 * holders.length <= machines.length) faults.push(`lost: ${where}`)
        const broken = machines.filter(({ key, isWiped }) => !isWiped && store.acknowledgedBy.includes(key))
        if (broken.some((machine) => !holders.includes(machine))) faults.push(`promise broken: ${where}`)
      }
    }
    const acknowledged = this.clients.history.filter(({ endedMs }) => endedMs !== undefined).length
    const checked = { heldChecked: held.size, goneChecked: gone.size }
    return { faults: [...new Set(faults)], acknowledged, ...checked, equalAfterMs, bytes: this.network.bytes }
  }

  #checkExpired(machine: Machine, held: ReadonlyMap<MessageHash, StoredMessage> | undefined): void {
    for (const { hash, expiryMs } of held?.values() ?? []) {
      if (expiryMs <= machine.nowMs) this.#faults.add(`expired: ${hash} on machine ${this.machines.indexOf(machine)}`)
    }
  }

  /** What ends so soon is left to hand-off, and to its end. */
  #isCompared({ expiryMs }: StoredMessage): boolean {
    return expiryMs > this.time.nowMs + UNCOMPARED_MS
  }

  /** In what members of a swarm differ. */
  async #differences(): Promise<string[]> {
    const found: string[] = []
    for (const { id } of this.clients.accounts) {
      const members = this.swarmOf(id)
      const holdings = await Promise.all(members.map((machine) => machine.holdings(id)))
      for (const [at, machine] of members.entries()) this.#checkExpired(machine, holdings[at])
      const logs = await Promise.all(members.map((machine) => machine.logged(id)))
      const texts = holdings.map((each, at) => {
        const compared = [...each.values()].filter((message) => this.#isCompared(message))
        return [...compared.map(textOf), ...(logs[at] ?? [])].sort()
      })
      for (const [at, text] of texts.entries()) {
        if (text.join() === texts[0]?.join()) continue
        const name = (index: number) => this.machines.indexOf(members[index] as Machine)
        found.push(`different: account ${id.slice(0, 8)} on machines ${name(0)} and ${name(at)}`)
      }
      // Who was empty does not know who served the account before, and takes nothing from them.
      const mayStayOutside = 2 * members.filter(({ wasEmpty }) => wasEmpty).length >= members.length
      for (const machine of this.machines) {
        if (mayStayOutside || members.includes(machine) || !this.listed.has(machine)) continue
        if ((await machine.holdings(id)).size > 0) {
          found.push(`outside: account ${id.slice(0, 8)} on machine ${this.machines.indexOf(machine)}`)
        }
      }
    }
    return found
  }
}

function textOf({ hash, namespace, timestampMs, expiryMs }: StoredMessage): string {
  return `${hash} ${namespace} ${timestampMs} ${expiryMs}`
}
