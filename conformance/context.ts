import type { JsonObject, JsonValue } from '../src/protocol/json.ts'
import { expectOk, expectText, NotApplicable } from './expectations.ts'
import type { HttpReply, HttpRequest, HttpsExchange } from './https-exchange.ts'
import { MonitorSocket } from './monitor-socket.ts'
import { type NetworkNode, type NetworkView, swarmTextOf } from './network-view.ts'
import { type StoreOptions, storeParams } from './requests.ts'
import { type AccountKind, createTestAccount, type Signer, type TestAccount } from './test-account.ts'
import type { Answer, Transport } from './transport.ts'

export interface CaseContextComponents {
  readonly https: HttpsExchange
  readonly transport: Transport
  readonly view: NetworkView
  /** Members of the asked node's swarm that answer; the node itself is one. */
  readonly members: readonly NetworkNode[]
  /** Ends with the case's deadline. */
  readonly signal: AbortSignal
}

/** What a case works with: the asked node, its swarm, and accounts of its own. */
export class CaseContext {
  readonly #components: CaseContextComponents

  constructor(components: CaseContextComponents) {
    this.#components = components
  }

  get node(): NetworkNode {
    return this.#components.view.node
  }

  get members(): readonly NetworkNode[] {
    return this.#components.members
  }

  get view(): NetworkView {
    return this.#components.view
  }

  /** The asked node's clock, as far as can be told from here. */
  nowMs(): number {
    return Date.now() + this.#components.view.clockOffsetMs
  }

  /** A new account that the asked node keeps messages for. */
  account(kind: AccountKind = 'session'): TestAccount {
    return this.#accountWhere(kind, (swarm) => swarm === this.node.swarm)
  }

  /** A new account of another swarm. @throws NotApplicable when there is only one swarm */
  foreignAccount(kind: AccountKind = 'session'): TestAccount {
    if (this.view.swarmIds.length < 2) throw new NotApplicable('the network has one swarm')
    return this.#accountWhere(kind, (swarm) => swarm !== this.node.swarm)
  }

  #accountWhere(kind: AccountKind, condition: (swarm: string) => boolean): TestAccount {
    for (;;) {
      const account = createTestAccount(kind)
      if (condition(swarmTextOf(account.account, this.view.swarmIds))) return account
    }
  }

  /** A node that keeps messages for this very account. */
  memberFor(account: string): NetworkNode {
    const swarm = swarmTextOf(account, this.view.swarmIds)
    if (swarm === this.node.swarm) return this.node
    const member = this.view.nodes.find((node) => node.swarm === swarm)
    if (member === undefined) throw new NotApplicable('no member of its swarm has an address')
    return member
  }

  /** Calls a method of the asked node, or of another, over this round's transport. */
  ask(method: string, params: JsonObject, node: NetworkNode = this.node): Promise<Answer> {
    return this.askText(JSON.stringify({ method, params }), node)
  }

  /** Sends a text that may be no request at all. */
  askText(text: string, node: NetworkNode = this.node): Promise<Answer> {
    return this.#components.transport.ask(node, text, this.#components.signal)
  }

  /** Sends an HTTPS request to the asked node, or to another, whatever this round's transport. */
  exchange(request: HttpRequest, node: NetworkNode = this.node): Promise<HttpReply> {
    return this.#components.https.exchange(node.place, request, this.#components.signal)
  }

  /** Opens a connection for subscriptions to the asked node. */
  openMonitor(): Promise<MonitorSocket> {
    return MonitorSocket.open(this.node.place, this.#components.signal)
  }

  /** Stores a message and gives its hash. */
  async store(signer: Signer, options: StoreOptions = {}): Promise<string> {
    const answer = await this.ask('store', storeParams(signer, this.nowMs(), options))
    return expectText('hash', expectOk(answer)['hash'])
  }

  /** Stores some messages, one after another, and gives their hashes in that order. */
  async storeSome(count: number, signer: Signer, options: StoreOptions = {}): Promise<string[]> {
    const hashes: string[] = []
    while (hashes.length < count) hashes.push(await this.store(signer, options))
    return hashes
  }
}

/** The value at a place of JSON, or undefined. */
export function at(value: JsonValue | undefined, ...path: readonly (string | number)[]): JsonValue | undefined {
  let inner: JsonValue | undefined = value
  for (const step of path) {
    if (Array.isArray(inner)) inner = inner[Number(step)]
    else if (typeof inner === 'object' && inner !== null) inner = (inner as JsonObject)[step]
    else return undefined
  }
  return inner
}
