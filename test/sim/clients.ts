// Clients of a simulated network: they sign what they ask as real ones do, and write down what they are told.
import { DAY, type DurationMs, MINUTE, SECOND } from '../../src/base/clock.ts'
import { type Account, accountFromSeed } from '../../src/client/account.ts'
import {
  deleteAllRequest,
  deleteBeforeRequest,
  deleteRequest,
  expireAllRequest,
  expireRequest,
  storeRequest,
} from '../../src/client/signed-params.ts'
import type { AccountId } from '../../src/protocol/account.ts'
import type { ClientAnswer, Envelope } from '../../src/protocol/client-api/envelope.ts'
import { isJsonObject } from '../../src/protocol/json.ts'
import { hashMessage, type MessageHash } from '../../src/protocol/message.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../../src/protocol/service-node.ts'
import type { Chance } from '../support/chance.ts'
import type { AskedEnd, AskedExtension, AskedOperation, AskedStore } from './history.ts'
import type { Machine } from './machine.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface ClientsComponents {
  readonly time: VirtualTime
  readonly chance: Chance
  /** Machines that a client would ask for an account: those of its swarm, as the chain has it or had it lately. */
  readonly swarmOf: (account: Account) => readonly Machine[]
  /** A machine has said that it does not serve an account. */
  readonly turnedAway: (machine: Machine, account: AccountId) => void
}

/** Where anyone stores, where only the owner does, and where the newest message replaces the others. */
const NAMESPACES = [0, 0, 0, 2, -1] as const
const TTLS_MS: readonly DurationMs[] = [30 * SECOND, 5 * MINUTE, DAY, 14 * DAY, 14 * DAY]

const WRONG_SWARM = 421

type Asking = { readonly envelope: Envelope; readonly operation: AskedOperation }

export class Clients {
  readonly accounts: readonly Account[]
  readonly history: AskedOperation[] = []
  readonly #components: ClientsComponents
  #made = 0

  constructor(components: ClientsComponents, accounts: number) {
    this.#components = components
    const { chance } = components
    this.accounts = Array.from({ length: accounts }, () => accountFromSeed(seedHex(chance)))
  }

  /** Somebody asks for something, of some node of the right swarm. */
  act(): void {
    const { chance, swarmOf } = this.#components
    const account = chance.pick(this.accounts)
    const running = swarmOf(account).filter(({ isRunning }) => isRunning)
    if (running.length === 0) return
    const machine = chance.pick(running)
    const asking = this.#choose(account, machine.key)
    if (asking === undefined) return
    this.history.push(asking.operation)
    // One that dies over it never answers.
    machine.call(asking.envelope).then(
      (answer) => {
        if (answer.status === WRONG_SWARM) this.#components.turnedAway(machine, account.id)
        else this.#note(asking.operation, answer)
      },
      () => {},
    )
  }

  #note(operation: AskedOperation, { status, body }: ClientAnswer): void {
    if (status !== 200 || !isJsonObject(body) || !isJsonObject(body['swarm'])) return
    operation.endedMs = this.#components.time.elapsedMs
    operation.acknowledgedBy = Object.entries(body['swarm']).flatMap(([name, result]) => {
      const key = parseServiceNodeKey(name)
      return key !== undefined && isJsonObject(result) && result['failed'] !== true ? [key] : []
    })
  }

  #choose(account: Account, entry: ServiceNodeKey): Asking | undefined {
    const { chance } = this.#components
    const known = this.history.filter(
      (each): each is AskedStore => each.kind === 'store' && each.account === account.id,
    )
    const dice = chance.below(100)
    if (dice < 60 || known.length === 0) return this.#store(account, entry, known)
    const hashes = [chance.pick(known).hash]
    if (chance.below(3) === 0) hashes.push(chance.pick(known).hash)
    if (dice < 75) return this.#delete(account, entry, hashes)
    if (dice < 90) return this.#expire(account, entry, hashes)
    return this.#wholeAccount(account, entry)
  }

  #store(account: Account, entry: ServiceNodeKey, known: readonly AskedStore[]): Asking {
    const { chance, time } = this.#components
    const again = known.length > 0 && chance.below(8) === 0 ? chance.pick(known) : undefined
    const namespace = again?.namespace ?? chance.pick(NAMESPACES)
    const text = again?.text ?? `${account.id} ${this.#made++}`
    const data = Buffer.from(text)
    const ttlMs = chance.pick(TTLS_MS)
    // A client that stores the same again gives the timestamp that it gave before (docs/replication.md says what stays different else).
    const timestampMs = again?.timestampMs ?? time.nowMs
    const envelope = storeRequest({ account: account.id, namespace, data, timestampMs, ttlMs }, account)
    const hash = hashMessage(account.id, namespace, data)
    const expiryMs = timestampMs + ttlMs
    const what = { hash, text, namespace, timestampMs, expiryMs, livesMs: expiryMs - time.nowMs }
    return { envelope, operation: { ...this.#asked(account, entry), kind: 'store', ...what } }
  }

  #delete(account: Account, entry: ServiceNodeKey, hashes: readonly MessageHash[]): Asking {
    return { envelope: deleteRequest(hashes, account), operation: this.#end(account, entry, { concerns: { hashes } }) }
  }

  #expire(account: Account, entry: ServiceNodeKey, hashes: readonly MessageHash[]): Asking {
    const { chance, time } = this.#components
    const mode = chance.pick(['set', 'extend', 'shorten'] as const)
    const expiryMs = time.nowMs + chance.pick(TTLS_MS)
    const envelope = expireRequest(hashes, expiryMs, mode, account)
    if (mode === 'extend') {
      const operation: AskedExtension = { ...this.#asked(account, entry), kind: 'extend', hashes, expiryMs }
      return { envelope, operation }
    }
    return { envelope, operation: this.#end(account, entry, { concerns: { hashes }, endMs: expiryMs }) }
  }

  #wholeAccount(account: Account, entry: ServiceNodeKey): Asking {
    const { chance, time } = this.#components
    const namespace = chance.pick([0, 2, 'all'] as const)
    const nowMs = time.nowMs
    const concerns = { namespace }
    switch (chance.below(3)) {
      case 0:
        return {
          envelope: deleteAllRequest(namespace, nowMs, account),
          operation: this.#end(account, entry, { concerns }),
        }
      case 1: {
        const beforeMs = nowMs - chance.below(20 * SECOND)
        return {
          envelope: deleteBeforeRequest(namespace, beforeMs, account),
          operation: this.#end(account, entry, { concerns, beforeMs }),
        }
      }
      default:
        return {
          envelope: expireAllRequest(namespace, nowMs + 10 * MINUTE, account),
          operation: this.#end(account, entry, { concerns, endMs: nowMs + 10 * MINUTE }),
        }
    }
  }

  #end(
    account: Account,
    entry: ServiceNodeKey,
    what: Pick<AskedEnd, 'concerns'> & Partial<Pick<AskedEnd, 'beforeMs' | 'endMs'>>,
  ): AskedEnd {
    return { ...this.#asked(account, entry), kind: 'end', beforeMs: Number.MAX_SAFE_INTEGER, endMs: 0, ...what }
  }

  #asked(account: Account, entry: ServiceNodeKey) {
    const invokedMs = this.#components.time.elapsedMs
    return { account: account.id, entry, invokedMs, endedMs: undefined, acknowledgedBy: [] }
  }
}

function seedHex(chance: Chance): string {
  return Array.from({ length: 64 }, () => chance.below(16).toString(16)).join('')
}
