// The least that a joining node cannot do without, in two processes: one reads the rows and locators of messages from the database of a
// node and sends them over one TLS connection, the other writes the same records to a bare LevelDB, in batches that are flushed, the next one filled while
// one is written. Both kinds come in the order of accounts, so they are sent in turn and arrive in step.
//   bare-transfer.ts receive <folder of certificate> <folder of database> <records in a batch> → port
//   bare-transfer.ts send <folder of database> <port>
import { once } from 'node:events'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { systemClock } from '../../src/base/clock.ts'
import { loadOrCreateCertificate } from '../../src/rpc/certificate.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { kindRange } from '../../src/storage/keys.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'

const HOST = '127.0.250.2'
const HEAD_SIZE = 6
const READ_AT_ONCE = 256

const [, , role, ...words] = process.argv
if (role === 'receive') await receive(words[0] ?? '', words[1] ?? '', Number(words[2]))
else await send(words[0] ?? '', Number(words[1]))

async function send(path: string, port: number): Promise<void> {
  await using database = await openDatabase({ ...defaultStorageOptions, path })
  const socket = connect({ host: HOST, port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  await using rows = database.iterator({ ...kindRange('row'), highWaterMarkBytes: 1024 * 1024 })
  await using locators = database.iterator({ ...kindRange('locator'), highWaterMarkBytes: 1024 * 1024 })
  for (;;) {
    const page = [...(await rows.nextv(READ_AT_ONCE)), ...(await locators.nextv(READ_AT_ONCE))]
    if (page.length === 0) break
    const frames = page.flatMap(([key, value]) => [headOf(key, value), key, value])
    if (!socket.write(Buffer.concat(frames))) await once(socket, 'drain')
  }
  socket.end()
  await once(socket, 'close')
}

function headOf(key: Buffer, value: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_SIZE)
  head.writeUInt16BE(key.length)
  head.writeUInt32BE(value.length, 2)
  return head
}

async function receive(folder: string, path: string, perBatch: number): Promise<void> {
  await using database = await openDatabase({ ...defaultStorageOptions, path })
  const { key, cert } = await loadOrCreateCertificate(folder, { clock: systemClock })
  const server = createServer({ key, cert })
  server.listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : undefined)
  const [socket] = (await once(server, 'secureConnection')) as [TLSSocket]
  const begunUsage = process.cpuUsage()
  const begunMs = performance.now()
  let writing: Promise<void> = Promise.resolve()
  let [records, inBatch] = [0, 0]
  let batch = database.batch()
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of socket) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (let end = endOf(rest, at); end <= rest.length; end = endOf(rest, at)) {
      const keyEnd = at + HEAD_SIZE + rest.readUInt16BE(at)
      batch.put(rest.subarray(at + HEAD_SIZE, keyEnd), rest.subarray(keyEnd, end))
      at = end
      records++
      if (++inBatch < perBatch) continue
      await writing
      writing = batch.write({ sync: true })
      batch = database.batch()
      inBatch = 0
    }
    rest = rest.subarray(at)
  }
  await writing
  await batch.write({ sync: true })
  const { user, system } = process.cpuUsage(begunUsage)
  process.send?.({ records, ms: performance.now() - begunMs, seconds: (user + system) / 1e6 })
  server.close()
  process.disconnect?.()
}

function endOf(bytes: Buffer, at: number): number {
  if (bytes.length < at + HEAD_SIZE) return Number.POSITIVE_INFINITY
  return at + HEAD_SIZE + bytes.readUInt16BE(at) + bytes.readUInt32BE(at + 2)
}
