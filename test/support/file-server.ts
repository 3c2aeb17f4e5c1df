// A server outside the network that takes onion requests, as Session's file server does.
import { utf8 } from '../../src/base/bytes.ts'
import { generateX25519KeyPair, type X25519KeyPair, type X25519PublicKey } from '../../src/crypto/keys.ts'
import { decodeCombinedPayload } from '../../src/protocol/onion/combined-payload.ts'
import { type OpenedLayer, openLayer, readSealedLayer } from '../../src/protocol/onion/layer.ts'
import { type SeenRequest, startWebServer, type WebServer } from './web-server.ts'

/** The most that Session's clients upload. */
export const FILE_MAX_BYTES = 10_000_000

export interface FileServer extends WebServer {
  readonly x25519: X25519PublicKey
  /** What clients sealed for it. */
  readonly opened: readonly Uint8Array[]
}

/** Opens what comes, notes it, and seals `reply` for the client. */
export async function startFileServer(reply: Uint8Array): Promise<FileServer> {
  const pair = generateX25519KeyPair()
  const opened: Uint8Array[] = []
  const web: WebServer = await startWebServer((_request, response) => {
    const { plaintext, key } = openAtServer(web.requests.at(-1) as SeenRequest, pair)
    opened.push(plaintext)
    response.end(key.seal(reply))
  })
  return { ...web, opened, x25519: pair.publicKey }
}

function openAtServer({ body }: SeenRequest, pair: X25519KeyPair): OpenedLayer {
  const { blob, metadata } = decodeCombinedPayload(body)
  return openLayer(readSealedLayer(blob, metadata), pair)
}

/** A request or answer of the protocol's fourth version: a list of two texts with their lengths, the second one any bytes. */
export function versionFour(head: string, body: Uint8Array): Uint8Array {
  return Buffer.concat([utf8(`l${head.length}:${head}${body.length}:`), body, utf8('e')])
}
