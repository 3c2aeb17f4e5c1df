// docs/client-sdk.md shows code that runs: each example stands in sdk-examples.ts, and does what the page says.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toHex, utf8 } from '../../../src/base/bytes.ts'
import { accountFromSeed } from '../../../src/client/account.ts'
import type { StarlingClient } from '../../../src/client/client.ts'
import { generateX25519KeyPair } from '../../../src/crypto/keys.ts'
import { decodeCombinedPayload } from '../../../src/protocol/onion/combined-payload.ts'
import { openLayer, readSealedLayer } from '../../../src/protocol/onion/layer.ts'
import { decodeV4Request, encodeV4Reply } from '../../../src/protocol/onion/v4-payload.ts'
import { type RealSwarm, START_MS, startRealSwarm } from './real-swarm.ts'
import * as examples from './sdk-examples.ts'

const bob = accountFromSeed('22'.repeat(32))
const data = utf8('data')
let swarm: RealSwarm
let client: StarlingClient

beforeAll(async () => {
  swarm = await startRealSwarm(6, 3)
  client = swarm.clientOf({ account: bob })
})
afterAll(() => swarm[Symbol.asyncDispose]())

/** What an example prints. */
async function printed(run: (print: examples.Print) => Promise<void>): Promise<readonly string[]> {
  const lines: string[] = []
  await run((line) => void lines.push(line))
  return lines
}

test('every example of the page is one of these, word for word', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/client-sdk.md'), 'utf8')
  const code = readFileSync(join(import.meta.dirname, 'sdk-examples.ts'), 'utf8')
  const regions = [...code.matchAll(/^ *\/\/ #region .*\n([\s\S]*?)^ *\/\/ #endregion$/gm)].map(([, body = '']) =>
    body.replace(/^ {2}/gm, '').trim(),
  )
  const shown = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, body = '']) => body.trim())
  expect(shown).toEqual(regions)
})

test('a message is sent', async () => {
  const seeds = [{ url: swarm.network.seedUrl, certificate: 'any' as const }]
  const clock = { nowMs: () => START_MS, monotonicMs: () => performance.now() }
  const members = (await client.getSwarm(bob.id)).length
  const lines = await printed((print) => examples.send({ seeds, clock }, bob.id, print))
  expect(lines).toEqual([`${members} of ${members} nodes hold it`])
  expect((await client.receiveMessages()).messages.map(({ text }) => text)).toContain('See you at eight')
})

test('a receipt is read', async () => {
  const { hash } = await client.store({ account: bob.id, data })
  expect(await printed((print) => examples.receipts(client, [hash], print))).toEqual([])
})

test('messages are followed', async () => {
  const stop = new AbortController()
  const sender = swarm.clientOf({ account: accountFromSeed('33'.repeat(32)) })
  await sender.sendMessage(bob.id, 'I am late')
  const lines: string[] = []
  const followed = examples.follow(client, stop.signal, (line) => {
    lines.push(line)
    if (line.endsWith('I am late')) stop.abort()
  })
  await expect(followed).rejects.toMatchObject({ name: 'AbortError' })
  expect(lines).toContainEqual(expect.stringMatching(/^05[0-9a-f]{64}: I am late$/))
})

test('a group is made and left', async () => {
  const alice = accountFromSeed('33'.repeat(32))
  expect(await printed((print) => examples.group(client, alice, data, print))).toEqual(['1 messages'])
})

test('several calls are made at once', async () => {
  const lines = await printed((print) => examples.several(client, bob, data, print))
  expect(lines).toEqual([expect.stringMatching(/^[^,]{43}, 1$/), 'It was done'])
})

test('a file is sent to a server', async () => {
  const pair = generateX25519KeyPair()
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
    const { blob, metadata } = decodeCombinedPayload(Buffer.concat(chunks))
    const { plaintext, key } = openLayer(readSealedLayer(blob, metadata), pair)
    const { body = new Uint8Array() } = decodeV4Request(plaintext)
    response.end(key.seal(encodeV4Reply({ status: 200, headers: { 'content-type': 'text/plain' }, body })))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const address = { host: '127.0.0.1', port }
  const key = toHex(pair.publicKey)
  const lines = await printed((print) => examples.server(client, address, key, utf8('a file'), print))
  server.close()
  expect(lines).toEqual(['200 text/plain a file'])
})

test('a message that is stored again comes once', async () => {
  await client.receiveMessages()
  await examples.repeat(client, bob.id, new AbortController().signal)
  expect((await client.receiveMessages()).messages).toHaveLength(1)
})
