import { encodePost, HttpsConnection, type Target } from './https-connection.ts'

/** Kept connections that take turns. A request that finds none free waits. */
export class ConnectionPool implements Disposable {
  readonly #target: Target
  /** A place without a connection, or with one that was closed, gets a new one when its turn comes. */
  readonly #connections: (HttpsConnection | undefined)[]
  readonly #free: number[]
  readonly #waiting: ((place: number) => void)[] = []

  constructor(target: Target, count: number) {
    this.#target = target
    this.#connections = Array.from({ length: count })
    this.#free = [...this.#connections.keys()]
  }

  async ask(body: Uint8Array): Promise<Buffer> {
    const place = this.#free.shift() ?? (await new Promise<number>((resolve) => this.#waiting.push(resolve)))
    try {
      const connection = await this.#connectionAt(place)
      return await connection.ask(encodePost(this.#target, body, false))
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free.push(place)
      else next(place)
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection?.[Symbol.dispose]()
  }

  async #connectionAt(place: number): Promise<HttpsConnection> {
    const held = this.#connections[place]
    if (held?.isOpen) return held
    const opened = await HttpsConnection.open(this.#target, place)
    this.#connections[place] = opened
    return opened
  }
}
