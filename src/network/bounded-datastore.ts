import { NotFoundError } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

type Datastore = NonNullable<Libp2pOptions['datastore']>
type Key = Parameters<Datastore['get']>[0]
type Query = Parameters<Datastore['query']>[0]
type KeyQuery = Parameters<Datastore['queryKeys']>[0]
interface Entry {
  key: Key
  value: Uint8Array
}

/**
 * What libp2p remembers, in memory. Peers can make it store things (DHT records and providers), so each kind has a bound
 * of its own, beyond which the oldest entry goes: a flood of one kind does not drive out another.
 */
export class BoundedDatastore implements Datastore {
  readonly #entriesMax: number
  readonly #kinds = new Map<string, Map<string, Entry>>()

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  has(key: Key): boolean {
    return this.#kind(key).has(key.toString())
  }

  get(key: Key): Uint8Array {
    const entry = this.#kind(key).get(key.toString())
    if (entry === undefined) throw new NotFoundError('Not in the datastore')
    return entry.value
  }

  put(key: Key, value: Uint8Array): Key {
    const kind = this.#kind(key)
    const name = key.toString()
    // Set anew so that it counts as the youngest.
    kind.delete(name)
    kind.set(name, { key, value })
    if (kind.size > this.#entriesMax) {
      const oldest = kind.keys().next().value
      if (oldest !== undefined) kind.delete(oldest)
    }
    return key
  }

  delete(key: Key): void {
    this.#kind(key).delete(key.toString())
  }

  async *putMany(source: Iterable<Entry> | AsyncIterable<Entry>): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield this.put(key, value)
  }

  async *getMany(source: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Entry> {
    for await (const key of source) yield { key, value: this.get(key) }
  }

  async *deleteMany(source: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Key> {
    for await (const key of source) {
      this.delete(key)
      yield key
    }
  }

  batch(): ReturnType<Datastore['batch']> {
    const work: (() => void)[] = []
    return {
      put: (key: Key, value: Uint8Array) => void work.push(() => this.put(key, value)),
      delete: (key: Key) => void work.push(() => this.delete(key)),
      commit: () => {
        for (const step of work.splice(0)) step()
      },
    }
  }

  *query({ prefix, filters = [], orders = [], offset = 0, limit = Infinity }: Query): Generator<Entry> {
    const found = [...this.#entries(prefix)].filter((entry) => filters.every((filter) => filter(entry)))
    for (const order of orders) found.sort(order)
    yield* found.slice(offset, offset + limit)
  }

  *queryKeys({ prefix, filters = [], orders = [], offset = 0, limit = Infinity }: KeyQuery): Generator<Key> {
    const found = [...this.#entries(prefix)]
      .map(({ key }) => key)
      .filter((key) => filters.every((filter) => filter(key)))
    for (const order of orders) found.sort(order)
    yield* found.slice(offset, offset + limit)
  }

  *#entries(prefix = ''): Generator<Entry> {
    for (const kind of this.#kinds.values()) {
      for (const [name, entry] of kind) if (name.startsWith(prefix)) yield entry
    }
  }

  /** `/peers/…`, `/dht/record/…` and `/dht/provider/…` are libp2p's kinds; their number is fixed by its code. */
  #kind(key: Key): Map<string, Entry> {
    const [first = '', second = ''] = key.list()
    const name = first === 'dht' ? `${first}/${second}` : first
    const kind = this.#kinds.get(name) ?? new Map<string, Entry>()
    this.#kinds.set(name, kind)
    return kind
  }
}
