import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { DevnetNode } from '../../devnet/network.ts'
import { callNode } from '../../devnet/node-request.ts'
import { fromBase64, utf8 } from '../../src/base/bytes.ts'
import { type Account, type MessageHash, retrieveRequest, storeRequest } from '../../src/client/index.ts'
import { parseEd25519PublicKey } from '../../src/crypto/keys.ts'
import { SIGNATURE_SIZE, verifySignature } from '../../src/crypto/signature.ts'
import type { ServiceNodeKey } from '../../src/protocol/service-node.ts'
import { newAccount } from './people.ts'

const TTL_MS = 3_600_000
const DATA_BYTES = 300
const PAGE_MESSAGES = 1_000

/** What one account was promised. */
export interface Promises {
  readonly account: Account
  /** Hashes of stores that were answered with success. */
  readonly acknowledged: Set<MessageHash>
  /** Those of them that each member has signed for. */
  readonly signedBy: Map<ServiceNodeKey, Set<MessageHash>>
}

/** Stores messages all the time, straight at random members of one swarm, and remembers what was promised. */
export class DirectWriter implements AsyncDisposable {
  readonly #members: readonly DevnetNode[]
  readonly #chooseMember: () => DevnetNode
  /** From the start of one store to that of the next. */
  readonly #pauseMs: number
  readonly #news = new EventEmitter()
  readonly #ledger: Promises[] = []
  readonly #workers: Promise<void>[] = []
  #stopped = false
  acknowledged = 0
  /** Answered, but with an error. */
  refused = 0
  /** No answer came: it may have been stored or not. */
  unknown = 0
  /** Answered with success although nobody signed. */
  unsigned = 0

  /** As fast as answers come, unless a rate is given. */
  constructor(members: readonly DevnetNode[], inFlight: number, chooseMember: () => DevnetNode, perSecond?: number) {
    this.#members = members
    this.#chooseMember = chooseMember
    this.#pauseMs = perSecond === undefined ? 0 : (1000 * inFlight) / perSecond
    this.turnPage()
    for (let worker = 0; worker < inFlight; worker++) this.#workers.push(this.#work())
  }

  /** Everything promised so far. */
  get ledger(): readonly Promises[] {
    return this.#ledger
  }

  /** From now on, messages go to a new account. */
  turnPage(): void {
    this.#ledger.push({ account: newAccount(), acknowledged: new Set(), signedBy: new Map() })
  }

  /** Settles once so many more messages have been acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged + count
    while (this.acknowledged < goal) await once(this.#news, 'acknowledged')
  }

  /** Settles when all that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#workers)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #work(): Promise<void> {
    while (!this.#stopped) await Promise.all([this.#storeOne(), this.#pauseMs > 0 && delay(this.#pauseMs)])
  }

  async #storeOne(): Promise<void> {
    const page = this.#ledger.at(-1)
    if (page === undefined) return
    const { method, params } = storeRequest(
      {
        account: page.account.id,
        namespace: 0,
        data: randomBytes(DATA_BYTES),
        timestampMs: Date.now(),
        ttlMs: TTL_MS,
      },
      undefined,
    )
    let answer: Awaited<ReturnType<typeof callNode>>
    try {
      answer = await callNode(this.#chooseMember(), method, params)
    } catch {
      this.unknown++
      return
    }
    if (answer.status === 200) this.#remember(page, answer.body as StoreAnswer)
    else this.refused++
  }

  #remember(page: Promises, { swarm }: StoreAnswer): void {
    const signed = this.#members.flatMap((member) => {
      const result = swarm[member.key]
      return result !== undefined && hasSigned(member, result) ? [{ member, hash: result.hash }] : []
    })
    for (const { member, hash } of signed) {
      const hashes = page.signedBy.get(member.key) ?? new Set()
      page.signedBy.set(member.key, hashes.add(hash))
      page.acknowledged.add(hash)
    }
    if (signed.length === 0) this.unsigned++
    else this.acknowledged++
    this.#news.emit('acknowledged')
  }
}

interface MemberAnswer {
  readonly hash: MessageHash
  /** Only with success. */
  readonly signature?: string
}

interface StoreAnswer {
  readonly swarm: Readonly<Record<string, MemberAnswer>>
}

function hasSigned({ key }: DevnetNode, { hash, signature }: MemberAnswer): boolean {
  const publicKey = parseEd25519PublicKey(key)
  const bytes = fromBase64(signature ?? '')
  return publicKey !== undefined && bytes?.length === SIGNATURE_SIZE && verifySignature(bytes, utf8(hash), publicKey)
}

/** All hashes that this very node returns to the account's owner. */
export async function hashesOn(node: DevnetNode, owner: Account): Promise<ReadonlySet<MessageHash>> {
  const hashes = new Set<MessageHash>()
  let afterHash: MessageHash | undefined
  for (let more = true; more; ) {
    const query = { namespace: 0, afterHash, countMax: PAGE_MESSAGES, timestampMs: Date.now() }
    const { method, params } = retrieveRequest(query, owner)
    const { status, body } = await callNode(node, method, params)
    if (status !== 200) throw new Error(`Node ${node.index} answers ${status}: ${JSON.stringify(body)}`)
    const page = body as { messages: { hash: MessageHash }[]; more: boolean }
    for (const { hash } of page.messages) hashes.add(hash)
    afterHash = page.messages.at(-1)?.hash
    more = page.more
  }
  return hashes
}
