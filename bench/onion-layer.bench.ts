// Opening a layer is what every hop does for every request: a key agreement, a key derivation, a cipher and a little parsing.
import {
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
} from 'node:crypto'
import sodium from 'sodium-native'
import { asBuffer, toHex } from '../src/base/bytes.ts'
import { generateX25519KeyPair, type X25519KeyPair } from '../src/crypto/keys.ts'
import type { EncryptionType } from '../src/protocol/onion/encryption.ts'
import { openLayer, type SealedLayer, sealLayer } from '../src/protocol/onion/layer.ts'
import { decodeLayerContent, encodeRelayContent } from '../src/protocol/onion/layer-content.ts'
import type { ServiceNodeKey } from '../src/protocol/service-node.ts'
import { type Benchmark, compare, type Ratio } from './ratio.ts'

const KIB = 1024
const SIZES = [
  { size: KIB, goal: 0.8 },
  { size: 16 * KIB, goal: 0.75 },
  { size: 64 * KIB, goal: 0.6 },
]

const node = generateX25519KeyPair()

export const benchmark: Benchmark = {
  name: 'onion-layer',
  async run() {
    const ratios: Ratio[] = []
    for (const { size, goal } of SIZES) {
      ratios.push(await ratio('aes-gcm', size, goal, 'bare node:crypto X25519, HMAC and AES-GCM', bareAesGcm))
      ratios.push(await ratio('xchacha20', size, goal, 'bare sodium X25519, BLAKE2b and XChaCha20', bareXchacha20))
    }
    return ratios
  },
}

async function ratio(
  encryption: EncryptionType,
  size: number,
  goal: number,
  limitName: string,
  bare: (layer: SealedLayer, client: X25519KeyPair) => () => Uint8Array,
): Promise<Ratio> {
  const client = generateX25519KeyPair()
  const layer = aLayer(encryption, size, client)
  const measured = await compare(() => decodeLayerContent(openLayer(layer, node).plaintext), bare(layer, client))
  return { name: `open a layer, ${encryption}, ${size / KIB} KiB`, limitName, goal, ...measured }
}

/** A layer to be handed on, whose ciphertext has `size` bytes. */
function aLayer(encryption: EncryptionType, size: number, ephemeral: X25519KeyPair): SealedLayer {
  const content = (ciphertext: Uint8Array) =>
    encodeRelayContent(toHex(node.publicKey) as ServiceNodeKey, {
      ciphertext,
      ephemeralKey: node.publicKey,
      encryption,
    })
  const seal = (inner: number) =>
    sealLayer(content(Buffer.alloc(inner)), encryption, node.publicKey, { ephemeral }).layer
  return seal(size - seal(0).ciphertext.length)
}

/** Both keys imported beforehand, which a node cannot do with a client's key. */
function bareAesGcm({ ciphertext }: SealedLayer, client: X25519KeyPair): () => Uint8Array {
  const privateKey = importSecretKey(node)
  const publicKey = createPublicKey(importSecretKey(client))
  const loki = createSecretKey('LOKI', 'utf8')
  return () => {
    const secret = diffieHellman({ privateKey, publicKey })
    const key = createSecretKey(createHmac('sha256', loki).update(secret).digest())
    const decipher = createDecipheriv('aes-256-gcm', key, ciphertext.subarray(0, 12))
    decipher.setAuthTag(ciphertext.subarray(-16))
    const plaintext = decipher.update(ciphertext.subarray(12, -16))
    decipher.final()
    return plaintext
  }
}

function bareXchacha20({ ciphertext }: SealedLayer, client: X25519KeyPair): () => Uint8Array {
  const nonce = asBuffer(ciphertext.subarray(0, 24))
  const body = asBuffer(ciphertext.subarray(24))
  const secretKey = asBuffer(node.secretKey)
  const publicKey = asBuffer(node.publicKey)
  const clientKey = asBuffer(client.publicKey)
  return () => {
    const secret = Buffer.alloc(32)
    sodium.crypto_scalarmult(secret, secretKey, clientKey)
    const key = Buffer.alloc(32)
    sodium.crypto_generichash_batch(key, [secret, clientKey, publicKey])
    const plaintext = Buffer.allocUnsafe(body.length - 16)
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, body, null, nonce, key)
    return plaintext
  }
}

function importSecretKey({ publicKey, secretKey }: X25519KeyPair) {
  const base64url = (bytes: Uint8Array) => asBuffer(bytes).toString('base64url')
  return createPrivateKey({
    key: { kty: 'OKP', crv: 'X25519', d: base64url(secretKey), x: base64url(publicKey) },
    format: 'jwk',
  })
}
