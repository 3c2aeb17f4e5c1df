import { toHex } from '../base/bytes.ts'
import { type Ed25519PublicKey, KeyError, toX25519PublicKey, type X25519PublicKey } from '../crypto/keys.ts'

/** Remembers conversions, which cost 57 us each: clients poll every five seconds, and lists name the same nodes. */
export class X25519Images {
  readonly #max: number
  /** By hex of the Ed25519 key, the least recently used first. */
  readonly #images = new Map<string, X25519PublicKey | undefined>()

  constructor(max: number) {
    this.#max = max
  }

  /** The X25519 key that an Ed25519 key converts to; undefined for one that is no point of the prime-order group. */
  imageOf(key: Ed25519PublicKey): X25519PublicKey | undefined {
    const name = toHex(key)
    const isKnown = this.#images.has(name)
    const image = isKnown ? this.#images.get(name) : convert(key)
    if (isKnown) this.#images.delete(name)
    else if (this.#images.size >= this.#max) this.#forgetOldest()
    this.#images.set(name, image)
    return image
  }

  #forgetOldest(): void {
    const oldest = this.#images.keys().next()
    if (!oldest.done) this.#images.delete(oldest.value)
  }
}

function convert(key: Ed25519PublicKey): X25519PublicKey | undefined {
  try {
    return toX25519PublicKey(key)
  } catch (error) {
    if (error instanceof KeyError) return undefined
    throw error
  }
}
