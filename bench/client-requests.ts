// The two requests that clients make most: a store of 1 KiB, and a retrieve of a page.
import { randomBytes } from 'node:crypto'
import type { DevnetNode } from '../devnet/network.ts'
import { DAY } from '../src/base/clock.ts'
import { type Account, accountFromSeed, generateAccountSeed } from '../src/client/account.ts'
import { retrieveRequest, storeRequest } from '../src/client/signed-params.ts'
import { encodeEnvelope } from '../src/protocol/client-api/envelope.ts'
import { targetOf } from './client-network.ts'
import { encodePost, HttpsConnection, type Target } from './https-connection.ts'
import type { Request } from './https-load.ts'

export type Method = 'store' | 'retrieve'

/** So many that none of them does more than one account may. */
const ACCOUNTS = 100
const READ_ACCOUNTS = 20
/** A namespace that only the owner stores to, so that a store is signed. */
const NAMESPACE = 2
const MESSAGE_BYTES = 1024
/** Messages of one answer. */
const PAGE = 30

export const METHOD_NAMES: Readonly<Record<Method, string>> = {
  store: `Store of ${MESSAGE_BYTES / 1024} KiB`,
  retrieve: `Retrieve of ${PAGE} messages`,
}

/** Makes requests, of which no two are the same. */
export interface ClientRequests {
  readonly of: Readonly<Record<Method, (count: number) => readonly Request[]>>
}

/** Has this node keep what will be retrieved. */
export async function prepareRequests(node: DevnetNode): Promise<ClientRequests> {
  const owners = createAccounts(ACCOUNTS)
  const readers = createAccounts(READ_ACCOUNTS)
  await Promise.all(readers.map((account, client) => fillPage(targetOf(node), client, account)))
  return {
    of: {
      store: requestsOf(owners, storeBody, requireStored),
      retrieve: requestsOf(readers, retrieveBody, requirePage),
    },
  }
}

export function createAccounts(count: number): readonly Account[] {
  return Array.from({ length: count }, () => accountFromSeed(generateAccountSeed()))
}

/** Asks once, and returns the answer's bytes after they were looked at. */
export async function askOnce(target: Target, [request]: readonly Request[]): Promise<Buffer> {
  if (request === undefined) throw new Error('There is no request')
  using connection = await HttpsConnection.open(target, 0)
  const answer = await connection.ask(encodePost(target, request.body, true))
  request.check?.(answer)
  return answer
}

async function fillPage(target: Target, client: number, account: Account): Promise<void> {
  using connection = await HttpsConnection.open(target, client)
  for (let count = 0; count < PAGE; count++) await connection.ask(encodePost(target, storeBody(account), false))
}

function requestsOf(
  accounts: readonly Account[],
  bodyOf: (account: Account) => Uint8Array,
  check: (answer: Buffer) => void,
): (count: number) => readonly Request[] {
  return (count) =>
    Array.from({ length: Math.ceil(count / accounts.length) }, () => accounts)
      .flat()
      .slice(0, count)
      .map((account) => ({ body: bodyOf(account), check }))
}

function storeBody(account: Account): Uint8Array {
  const data = randomBytes(MESSAGE_BYTES)
  const message = { account: account.id, namespace: NAMESPACE, data, timestampMs: Date.now(), ttlMs: DAY }
  return encodeEnvelope(storeRequest(message, account))
}

function retrieveBody(account: Account): Uint8Array {
  const page = { namespace: NAMESPACE, countMax: PAGE, sizeMax: -1 }
  return encodeEnvelope(retrieveRequest({ ...page, timestampMs: Date.now() }, account))
}

function requireStored(answer: Buffer): void {
  if (JSON.parse(answer.toString()).hash === undefined) throw new Error('A message was not stored')
}

function requirePage(answer: Buffer): void {
  const { length } = JSON.parse(answer.toString()).messages
  if (length !== PAGE) throw new Error(`Retrieved ${length} of ${PAGE} messages`)
}
