import { randomBytes } from 'node:crypto'
import { type Account, accountFromSeed, generateAccountSeed } from '../../src/client/index.ts'
import type { JsonValue } from '../../src/protocol/json.ts'

/** What must never be seen outside, in every form in which it could be written. */
export class Canaries {
  readonly account: Account = accountFromSeed(generateAccountSeed())
  readonly payload = `payload-${randomBytes(12).toString('hex')}`
  readonly passphrase = `passphrase-${randomBytes(12).toString('hex')}`
  /** As in the URL of an RPC provider. */
  readonly rpcKey = randomBytes(16).toString('hex')
  readonly header = `header-${randomBytes(12).toString('hex')}`
  readonly token = randomBytes(36)
  readonly hash = randomBytes(32)
  /** Of IPv4, on loopback; and those that a proxy would tell of. */
  readonly address = '127.211.97.83'
  readonly forwardedAddresses = ['203.0.113.201', '2001:db8:77:66:55:44:33:22'] as const
  readonly #more: string[] = []

  /** Something that is only known later, such as a key of an onion request. */
  add(text: string): void {
    this.#more.push(text)
  }

  /** Parameters of a method with every text of the right length replaced by a canary. */
  inside(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.#insideText(value)
    if (Array.isArray(value)) return value.map((item) => this.inside(item))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.inside(item ?? null)]))
  }

  /** Those that are in a text. */
  foundIn(text: string): readonly string[] {
    const lower = text.toLowerCase()
    return this.#forms().filter((form) => text.includes(form) || lower.includes(form.toLowerCase()))
  }

  #insideText(text: string): string {
    if (/^0[35][0-9a-f]{64}$/.test(text)) return this.account.id
    if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(this.account.ed25519.publicKey).toString('hex')
    if (text.length === 43) return this.hash.toString('base64').replace('=', '')
    if (text.length === 48) return this.token.toString('base64')
    if (Buffer.from(text, 'base64').toString() === 'some data') return Buffer.from(this.payload).toString('base64')
    return text
  }

  #forms(): readonly string[] {
    const key = Buffer.from(this.account.ed25519.publicKey)
    const id = Buffer.from(this.account.id, 'hex')
    const bytes = [key, id, id.subarray(1), this.token, this.hash, Buffer.from(this.payload)]
    const written = bytes.flatMap((each) => [each.toString('hex'), each.toString('base64').replace(/=+$/, '')])
    return [
      ...written,
      this.payload,
      this.passphrase,
      this.rpcKey,
      this.header,
      this.address,
      ...this.forwardedAddresses,
      ...this.#more,
    ]
  }
}
