import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Devnet, DevnetNode } from '../../devnet/network.ts'
import { callNode } from '../../devnet/node-request.ts'
import {
  type Account,
  createClient,
  type MessageHash,
  retrieveRequest,
  type StarlingClient,
  storeRequest,
} from '../../src/client/index.ts'
import type { Chance } from './chance.ts'
import { hashesOn } from './direct-writer.ts'
import { eventually } from './eventually.ts'
import { newAccount } from './people.ts'

const TTL_MS = 3_600_000
const DATA_BYTES = 300
const PAUSE_MS = 20
/** Operations between one restart and the next, so that every one happens under load. */
const OPERATIONS_BETWEEN = 10

export interface RollingRestart {
  /** How long each node took to end, with which exit code, and from its start until it served. */
  readonly restarts: readonly { readonly exitCode: number | null; readonly stopMs: number; readonly startMs: number }[]
  /** Stores and retrievals, both straight at nodes and through onion requests of the client SDK. */
  readonly operations: number
  /** Why some failed at first, and how many. */
  readonly retried: ReadonlyMap<string, number>
  /** Why operations failed twice. */
  readonly failures: readonly string[]
  readonly slowestMs: number
  readonly acknowledged: number
  /** Acknowledged messages that a node does not hold in the end. */
  readonly missing: number
}

/** Restarts every node, one after the other, while clients store and retrieve all the time. */
export async function restartOneByOne(
  devnet: Pick<Devnet, 'seed' | 'start'>,
  nodes: readonly DevnetNode[],
  chance: Chance,
  rounds = 1,
): Promise<RollingRestart> {
  await using load = new Load(devnet.seed, nodes, chance)
  const restarts = []
  for (const node of Array.from({ length: rounds }, () => nodes).flat()) {
    await load.more(OPERATIONS_BETWEEN)
    const stopped = performance.now()
    const exitCode = await node.runner.stop('SIGTERM')
    const started = performance.now()
    await devnet.start(node)
    restarts.push({ exitCode, stopMs: started - stopped, startMs: performance.now() - started })
  }
  await load.more(OPERATIONS_BETWEEN)
  await load.stop()
  const { operations, retried, failures, slowestMs, acknowledged } = load
  return { restarts, operations, retried, failures, slowestMs, acknowledged, missing: await load.missing() }
}

/** Notes the nodes that it asks, and asks none of them twice. */
type Operation = (asked: Set<DevnetNode>) => Promise<void>

/** Two clients on onion paths, and two that ask nodes directly, which know no better than to ask another node when one fails. */
class Load implements AsyncDisposable {
  readonly #nodes: readonly DevnetNode[]
  readonly #chance: Chance
  readonly #kept = new Map<Account, Set<MessageHash>>()
  readonly #clients: StarlingClient[] = []
  readonly #workers: Promise<void>[]
  #stopped = false
  operations = 0
  readonly retried = new Map<string, number>()
  acknowledged = 0
  slowestMs = 0
  readonly failures: string[] = []

  constructor(seed: string, nodes: readonly DevnetNode[], chance: Chance) {
    this.#nodes = nodes
    this.#chance = chance
    const through = [this.#throughOnions(seed), this.#throughOnions(seed)]
    this.#workers = [...through, this.#straight(), this.#straight()].map((operations) => this.#work(operations))
  }

  async more(count: number): Promise<void> {
    const goal = this.operations + count
    await eventually(`${count} operations`, () => (this.operations >= goal ? true : undefined))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#workers)
    await Promise.all(this.#clients.splice(0).map((client) => client[Symbol.asyncDispose]()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Of all nodes, what each lacks once they have had time to tell each other. */
  async missing(): Promise<number> {
    const lacking = async () => {
      let count = 0
      for (const [account, hashes] of this.#kept) {
        for (const node of this.#nodes) {
          const held = await hashesOn(node, account)
          count += [...hashes].filter((hash) => !held.has(hash)).length
        }
      }
      return count
    }
    const none = async () => ((await lacking()) === 0 ? 0 : undefined)
    return await eventually('all nodes hold everything', none).catch(lacking)
  }

  async #work(operations: readonly Operation[]): Promise<void> {
    for (let at = 0; !this.#stopped; at++) {
      const operation = operations[at % operations.length]
      if (operation !== undefined) await this.#withOneRetry(operation)
      await delay(PAUSE_MS)
    }
  }

  async #withOneRetry(operation: Operation): Promise<void> {
    const startedMs = performance.now()
    const asked = new Set<DevnetNode>()
    try {
      await operation(asked).catch((error: unknown) => {
        const reason = reasonOf(error)
        this.retried.set(reason, (this.retried.get(reason) ?? 0) + 1)
        return operation(asked)
      })
    } catch (error) {
      this.failures.push(String(error))
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs)
    this.operations++
  }

  #throughOnions(seed: string): readonly Operation[] {
    const account = this.#newAccount()
    const client = createClient({ seeds: [seed], account })
    this.#clients.push(client)
    return [
      async () =>
        this.#keep(account, (await client.store({ account: account.id, data: randomBytes(DATA_BYTES) })).hash),
      async () => void (await client.retrieve()),
    ]
  }

  #straight(): readonly Operation[] {
    const account = this.#newAccount()
    const store: Operation = async (asked) => {
      const message = { account: account.id, namespace: 0, data: randomBytes(DATA_BYTES) }
      const { method, params } = storeRequest({ ...message, timestampMs: Date.now(), ttlMs: TTL_MS }, undefined)
      const { hash } = (await this.#askAny(asked, method, params)) as { hash: MessageHash }
      this.#keep(account, hash)
    }
    const retrieve: Operation = async (asked) => {
      const { method, params } = retrieveRequest({ namespace: 0, timestampMs: Date.now() }, account)
      await this.#askAny(asked, method, params)
    }
    return [store, retrieve]
  }

  async #askAny(asked: Set<DevnetNode>, method: string, params: object): Promise<unknown> {
    const node = this.#chance.pick(this.#nodes.filter((one) => !asked.has(one)))
    asked.add(node)
    const { status, body } = await callNode(node, method, params)
    if (status !== 200) throw new Error(`Node ${node.index} answers ${method} with ${status}: ${JSON.stringify(body)}`)
    return body
  }

  #newAccount(): Account {
    const account = newAccount()
    this.#kept.set(account, new Set())
    return account
  }

  #keep(account: Account, hash: MessageHash): void {
    this.#kept.get(account)?.add(hash)
    this.acknowledged++
  }
}

/** Without what differs each time. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return text.replace(/Node \d+/g, 'A node').replace(/ [\d.]+:\d+/g, '')
}
