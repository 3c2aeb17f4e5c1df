// The other process of the client benchmarks: an HTTPS server that does the cryptography of each request and no more. It reads the
// request's JSON, checks its signature, signs a result where a service node does, and answers as many bytes. It has no limits, no
// metrics, no storage, no swarm, and no time-outs but those of node:https.
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import sodium from 'sodium-native'
import { asBuffer, fromHex, utf8 } from '../src/base/bytes.ts'
import { systemClock } from '../src/base/clock.ts'
import { generateEd25519KeyPair } from '../src/crypto/keys.ts'
import { retrieveSignedText } from '../src/protocol/client-api/retrieve.ts'
import { storeSignedText } from '../src/protocol/client-api/store.ts'
import type { SealedLayer } from '../src/protocol/onion/layer.ts'
import { decodeLayerContent } from '../src/protocol/onion/layer-content.ts'
import { decodeOuterFrame } from '../src/protocol/onion/outer-frame.ts'
import { loadOrCreateCertificate } from '../src/rpc/certificate.ts'
import { TLS_MIN_VERSION } from '../src/rpc/certificate-files.ts'
import type { BareSettings } from './bare-server.ts'

const NONCE_SIZE = 12
const TAG_SIZE = 16

const identity = generateEd25519KeyPair()
const loki = createSecretKey('LOKI', 'utf8')
/** Of every node of the path, first hop first, and then of the destination. */
let secretKeys: readonly Buffer[] = []
/** Bytes of an answer, by method. */
let answerBytes: BareSettings['answerBytes'] = {}

function answer(payload: Uint8Array): Buffer {
  const { method, params } = JSON.parse(asBuffer(payload).toString())
  const { namespace, timestamp, signature, pubkey_ed25519: key } = params
  const text = method === 'store' ? storeSignedText(namespace, timestamp) : retrieveSignedText(namespace, timestamp)
  const isGood = sodium.crypto_sign_verify_detached(
    Buffer.from(signature, 'base64'),
    asBuffer(text),
    Buffer.from(key, 'hex'),
  )
  if (!isGood) throw new Error('A request is not signed')
  const body = Buffer.alloc(answerBytes[method] ?? 0, ' ')
  if (method === 'store') body.write(signedHash(Buffer.from(params.data, 'base64')))
  return body
}

/** A store's answer names the message by its hash, which the node signs. */
function signedHash(data: Buffer): string {
  const hash = Buffer.alloc(32)
  sodium.crypto_generichash(hash, data)
  const signature = Buffer.alloc(64)
  sodium.crypto_sign_detached(signature, Buffer.from(hash.toString('base64')), asBuffer(identity.secretKey))
  return signature.toString('base64')
}

/** What three hops and their destination do, in one place. */
function answerOnion(body: Uint8Array): Buffer {
  let layer: SealedLayer = decodeOuterFrame(body)
  for (const secretKey of secretKeys) {
    const key = layerKey(layer, secretKey)
    const content = decodeLayerContent(open(key, asBuffer(layer.ciphertext)))
    if (content.role === 'relay') layer = content.layer
    if (content.role === 'final') return Buffer.from(seal(key, answer(content.payload)).toString('base64'))
  }
  throw new Error('A request has more layers than there are nodes')
}

function layerKey({ ephemeralKey }: SealedLayer, secretKey: Buffer): KeyObject {
  const secret = Buffer.alloc(32)
  sodium.crypto_scalarmult(secret, secretKey, asBuffer(ephemeralKey))
  return createSecretKey(createHmac('sha256', loki).update(secret).digest())
}

function open(key: KeyObject, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_SIZE))
  decipher.setAuthTag(sealed.subarray(-TAG_SIZE))
  const plaintext = decipher.update(sealed.subarray(NONCE_SIZE, -TAG_SIZE))
  decipher.final()
  return plaintext
}

function seal(key: KeyObject, plaintext: Buffer): Buffer {
  const nonce = randomBytes(NONCE_SIZE)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    const bytes = request.url === '/onion_req/v2' ? answerOnion(body) : answer(body)
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': bytes.length }).end(bytes)
  })
}

process.on('message', (settings: BareSettings) => {
  answerBytes = settings.answerBytes
  secretKeys = settings.secretKeys.map((hex) => asBuffer(fromHex(hex) ?? utf8('')))
  process.send?.('set')
})
process.on('disconnect', () => process.exit())

const [folder = '', host = ''] = process.argv.slice(2)
const certificate = await loadOrCreateCertificate(folder, { clock: systemClock })
const server = createServer({ ...certificate, minVersion: TLS_MIN_VERSION, noDelay: true }, handle)
server.listen(0, host, () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : undefined)
})
