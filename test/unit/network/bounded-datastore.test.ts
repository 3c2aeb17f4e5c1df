import { NotFoundError } from '@libp2p/interface'
import { Key as DatastoreKey } from 'interface-datastore'
import { expect, test } from 'vitest'
import { BoundedDatastore } from '../../../src/network/bounded-datastore.ts'

type Key = Parameters<BoundedDatastore['get']>[0]

const key = (path: string): Key => new DatastoreKey(path)
const value = (text: string) => Buffer.from(text)

test('what was put is there until it is deleted', () => {
  const store = new BoundedDatastore(10)
  store.put(key('/peers/a'), value('1'))
  expect(store.has(key('/peers/a'))).toBe(true)
  expect(store.get(key('/peers/a'))).toEqual(value('1'))
  store.delete(key('/peers/a'))
  expect(store.has(key('/peers/a'))).toBe(false)
  expect(() => store.get(key('/peers/a'))).toThrow(NotFoundError)
})

test('beyond the bound the oldest of the same kind goes', () => {
  const store = new BoundedDatastore(2)
  for (const path of ['/peers/a', '/dht/record/a', '/dht/record/b', '/dht/provider/a', '/dht/record/c']) {
    store.put(key(path), value(path))
  }
  const left = [...store.queryKeys({})].map(String).sort()
  expect(left).toEqual(['/dht/provider/a', '/dht/record/b', '/dht/record/c', '/peers/a'])
})

test('an entry that is put again counts as young', () => {
  const store = new BoundedDatastore(2)
  for (const path of ['/peers/a', '/peers/b', '/peers/a', '/peers/c']) store.put(key(path), value(path))
  expect([...store.queryKeys({})].map(String).sort()).toEqual(['/peers/a', '/peers/c'])
})

test('a query has a prefix, filters, orders, an offset and a limit', () => {
  const store = new BoundedDatastore(10)
  for (const name of ['c', 'a', 'b', 'd']) store.put(key(`/peers/${name}`), value(name))
  store.put(key('/dht/record/x'), value('x'))
  const found = store.query({
    prefix: '/peers',
    filters: [({ value }) => value[0] !== 'd'.charCodeAt(0)],
    orders: [(one, other) => (one.key.toString() < other.key.toString() ? -1 : 1)],
    offset: 1,
    limit: 1,
  })
  expect([...found].map(({ value }) => Buffer.from(value).toString())).toEqual(['b'])
})

test('a batch takes effect when it is committed', async () => {
  const store = new BoundedDatastore(10)
  const batch = store.batch()
  batch.put(key('/peers/a'), value('1'))
  expect(store.has(key('/peers/a'))).toBe(false)
  await batch.commit()
  expect(store.has(key('/peers/a'))).toBe(true)
})
