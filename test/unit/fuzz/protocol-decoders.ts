// Every decoder of src/protocol, with right inputs to start from. decoders.test.ts fails when one is missing.
import { readFileSync } from 'node:fs'
import { fromBase64, fromHex, utf8 } from '../../../src/base/bytes.ts'
import { ed25519KeyPairFromSeed, toX25519KeyPair } from '../../../src/crypto/keys.ts'
import { parseAccountId } from '../../../src/protocol/account.ts'
import { type BencodeValue, decodeBencode, encodeBencode, isBencodeDictionary } from '../../../src/protocol/bencode.ts'
import { decodeActiveNodes } from '../../../src/protocol/client-api/active-nodes-bin.ts'
import { decodeEnvelope } from '../../../src/protocol/client-api/envelope.ts'
import { type MethodName, PARSERS, parseMethodName } from '../../../src/protocol/client-api/methods.ts'
import { readMonitorRequest } from '../../../src/protocol/client-api/monitor.ts'
import { bencodeDictionary, jsonDictionary } from '../../../src/protocol/client-api/monitor-dictionary.ts'
import { parseMonitorErrorCode } from '../../../src/protocol/client-api/monitor-error.ts'
import { decodeMonitorFrame } from '../../../src/protocol/client-api/monitor-frame.ts'
import { parseServiceNodeListParams } from '../../../src/protocol/client-api/service-node-list.ts'
import { parseSubaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { parseIPv4 } from '../../../src/protocol/ipv4.ts'
import { isJsonObject, type JsonObject, parseJson, parseJsonText } from '../../../src/protocol/json.ts'
import { parseMessageHash } from '../../../src/protocol/message.ts'
import type { NetworkId } from '../../../src/protocol/network-id.ts'
import { decodeCombinedPayload, encodeCombinedPayload } from '../../../src/protocol/onion/combined-payload.ts'
import { parseEncryptionType } from '../../../src/protocol/onion/encryption.ts'
import { openLayer, readSealedLayer, sealLayer } from '../../../src/protocol/onion/layer.ts'
import {
  decodeLayerContent,
  encodeFinalContent,
  encodeRelayContent,
  encodeServerContent,
} from '../../../src/protocol/onion/layer-content.ts'
import { decodeOuterFrame, encodeOuterFrame } from '../../../src/protocol/onion/outer-frame.ts'
import { openOnionReply, openSealedReply, sealOnionReply } from '../../../src/protocol/onion/response.ts'
import {
  decodeV4Reply,
  decodeV4Request,
  encodeV4Reply,
  encodeV4Request,
} from '../../../src/protocol/onion/v4-payload.ts'
import { decodeContentsAnswer } from '../../../src/protocol/peer-api/contents-answer.ts'
import { CONTENTS_REQUEST_KINDS, type ContentsRequestKind } from '../../../src/protocol/peer-api/contents-exchange.ts'
import { decodeContentsRequest } from '../../../src/protocol/peer-api/contents-request.ts'
import {
  decodeForwardedAnswer,
  decodeForwardedRequest,
  encodeForwardedAnswer,
  encodeForwardedRequest,
} from '../../../src/protocol/peer-api/forwarded-request.ts'
import { encodeFrame, FrameDecoder } from '../../../src/protocol/peer-api/frame.ts'
import { decodeNodeRecord } from '../../../src/protocol/peer-api/node-record.ts'
import {
  decodeHopAnswer,
  decodeHopRequest,
  encodeHopAnswer,
  encodeHopRequest,
} from '../../../src/protocol/peer-api/onion-hop.ts'
import { decodeProbeAnswer, decodeProbeRequest, type ProbeKind } from '../../../src/protocol/peer-api/probe.ts'
import { readProbeReport } from '../../../src/protocol/peer-api/probe-report.ts'
import {
  decodeRecordExchangeRequest,
  decodeRecordList,
  encodeRecordExchangeRequest,
  encodeRecordList,
} from '../../../src/protocol/peer-api/record-exchange.ts'
import {
  decodeSignatureAnswer,
  decodeSignatureRequest,
  encodeSignatureAnswer,
  encodeSignatureRequest,
} from '../../../src/protocol/peer-api/signature-request.ts'
import { parseServiceNodeKey, serviceNodeKey } from '../../../src/protocol/service-node.ts'
import type { FuzzTarget } from '../../support/fuzz.ts'
import { paramsSeeds, requestSeeds } from './method-params.ts'

const pair = ed25519KeyPairFromSeed(Buffer.alloc(32, 1))
const node = toX25519KeyPair(pair)
const key = serviceNodeKey(pair.publicKey)
const client = toX25519KeyPair(ed25519KeyPairFromSeed(Buffer.alloc(32, 2)))
const sealed = sealLayer(utf8('{"method":"info","params":{}}'), 'xchacha20', node.publicKey, { ephemeral: client })
const { layer } = sealed
const inGcm = sealLayer(utf8('plain'), 'aes-gcm', node.publicKey, { ephemeral: client }).layer
const reply = { status: 200, body: '{"t":1}' }
const textFormat = { json: false, base64: true }
const server = { host: 'files.example', target: '/oxen/v4/lsrpc', port: 80, protocol: 'http' } as const
const records = (JSON.parse(readFileSync('test/vectors/node-record.json', 'utf8')) as { vectors: { hex: string }[] })
  .vectors
const probes = JSON.parse(readFileSync('test/vectors/probe.json', 'utf8')) as {
  readonly requests: readonly { readonly hex: string }[]
  readonly answers: readonly { readonly kind: ProbeKind; readonly hex: string }[]
  readonly report: { readonly network: NetworkId; readonly hex: string }
}
const PROBE_KINDS: readonly ProbeKind[] = ['ping', 'proof', 'tell', 'ask']
const contents = JSON.parse(readFileSync('test/vectors/contents-exchange.json', 'utf8')) as {
  requests: { hex: string }[]
  answers: { kind: ContentsRequestKind; hex: string; count?: number }[]
}
const hash = `${'A'.repeat(42)}/`
const account = `05${'a1'.repeat(32)}`

const subscription = encodeBencode(
  new Map<string, BencodeValue>([
    ['P', pair.publicKey],
    ['d', 1],
    ['n', [-1, 0, 5]],
    ['s', Buffer.alloc(64, 7)],
    ['t', 1_800_000_000],
  ]),
)

/** Of a text, which is refused with `undefined`. */
const ofText = (name: string, decode: (text: string) => unknown, ...texts: readonly string[]): FuzzTarget => ({
  name,
  seeds: texts.map(utf8),
  decode: (bytes) => decode(bytes.toString('utf8')),
})

/** Of bytes, which are refused with a ProtocolError. */
const ofBytes = (name: string, decode: (bytes: Buffer) => unknown, ...seeds: readonly Uint8Array[]): FuzzTarget => ({
  name,
  seeds,
  decode,
  throws: ProtocolError,
})

const ofJson = (name: string, parse: (params: JsonObject) => unknown, seeds: readonly Uint8Array[]): FuzzTarget =>
  ofBytes(
    name,
    (bytes) => {
      const value = parseJson(bytes)
      return isJsonObject(value) && parse(value)
    },
    ...seeds,
  )

/** Methods may share how they are read. */
const paramsParsers = new Map(Object.entries(PARSERS).map(([method, parse]) => [parse, method as MethodName]))

export const PROTOCOL_DECODERS: readonly FuzzTarget[] = [
  ofText('parseAccountId', parseAccountId, account),
  ofText('parseMessageHash', parseMessageHash, hash),
  ofText('parseServiceNodeKey', parseServiceNodeKey, key),
  ofText('parseIPv4', parseIPv4, '192.0.2.255', '0.0.0.0'),
  ofText('parseMonitorErrorCode', (text) => parseMonitorErrorCode(Number(text)), '1', '5'),
  ofText('parseMethodName', parseMethodName, 'store', 'get_snodes_for_pubkey'),
  ofText('parseSubaccountToken', parseSubaccountToken, 'A'.repeat(48), 'ab'.repeat(36)),
  { ...ofText('parseEncryptionType', parseEncryptionType, 'aes-gcm', 'xchacha20'), throws: ProtocolError },

  ofBytes('decodeBencode', decodeBencode, encodeBencode([1, -5, utf8('text'), new Map([['a', [2]]])])),
  ofBytes('parseJson', parseJson, utf8('{"a":[1,-2,"x\\u00e9\\"",true,null],"b":{"c":9007199254740991}}')),
  ofBytes('parseJsonText', (bytes) => parseJsonText(bytes.toString('latin1')), utf8('[1,{"a":"b"}]')),
  ofBytes('decodeEnvelope', decodeEnvelope, ...requestSeeds()),
  ...[...paramsParsers].map(([parse, method]) => ofJson(parse.name, parse, paramsSeeds(method))),
  ofBytes('decodeMonitorFrame', (bytes) => decodeMonitorFrame(bytes, 'json'), ...paramsSeeds('monitor')),
  ofBytes(
    'decodeMonitorFrame',
    (bytes) => decodeMonitorFrame(bytes, 'bencode'),
    subscription,
    encodeBencode([decodeBencode(subscription)]),
  ),
  ofJson('readMonitorRequest', (object) => readMonitorRequest(jsonDictionary(object)), paramsSeeds('monitor')),
  ofBytes(
    'readMonitorRequest',
    (bytes) => {
      const value = decodeBencode(bytes)
      return isBencodeDictionary(value) && readMonitorRequest(bencodeDictionary(value))
    },
    subscription,
  ),
  ofBytes('decodeActiveNodes', decodeActiveNodes, Buffer.alloc(2 * 51, 7)),
  ofJson('parseServiceNodeListParams', parseServiceNodeListParams, [utf8('{"fields":["swarm"],"limit":7}')]),

  ofBytes(
    'decodeCombinedPayload',
    decodeCombinedPayload,
    encodeCombinedPayload({ blob: utf8('blob'), metadata: { a: 'b' } }),
  ),
  ofBytes('decodeOuterFrame', decodeOuterFrame, encodeOuterFrame(layer)),
  ofBytes('openLayer', (bytes) => openLayer({ ...layer, ciphertext: bytes }, node), layer.ciphertext),
  ofBytes('openLayer', (bytes) => openLayer({ ...inGcm, ciphertext: bytes }, node), inGcm.ciphertext),
  ofJson('readSealedLayer', (metadata) => readSealedLayer(layer.ciphertext, metadata), [
    utf8(JSON.stringify({ ephemeral_key: Buffer.from(layer.ephemeralKey).toString('hex'), enc_type: 'xchacha20' })),
  ]),
  ofBytes(
    'decodeLayerContent',
    decodeLayerContent,
    encodeFinalContent(utf8('{}'), textFormat),
    encodeRelayContent(key, layer),
    encodeServerContent(server, layer),
  ),
  ofBytes(
    'openOnionReply',
    (bytes) => openOnionReply({ key: sealed.key, base64: true }, bytes),
    sealOnionReply(sealed.key, reply, textFormat),
  ),
  ofBytes(
    'openOnionReply',
    // Sealed here, so that what is inside is mutated.
    (bytes) => openOnionReply({ key: sealed.key, base64: false }, sealed.key.seal(bytes)),
    utf8(JSON.stringify(reply)),
  ),
  ofBytes(
    'openSealedReply',
    (bytes) => openSealedReply({ key: sealed.key, base64: false }, bytes),
    sealed.key.seal(utf8('reply')),
  ),
  ofBytes(
    'decodeV4Request',
    decodeV4Request,
    encodeV4Request({ method: 'POST', endpoint: '/file', headers: { a: 'b' }, body: utf8('body') }),
  ),
  ofBytes('decodeV4Reply', decodeV4Reply, encodeV4Reply({ status: 200, headers: { A: 'b' }, body: utf8('body') })),

  ofBytes('decodeHopRequest', decodeHopRequest, encodeHopRequest({ ...layer, hopNumber: 2 })),
  ofBytes('decodeHopAnswer', decodeHopAnswer, encodeHopAnswer({ status: 200, body: utf8('body') })),
  ofBytes(
    'decodeForwardedRequest',
    decodeForwardedRequest,
    encodeForwardedRequest({
      method: 'store',
      params: { pubkey: account, namespace: 0 },
      receivedMs: 1_800_000_000_000,
      stamp: 1_800_000_000_000_000,
    }),
  ),
  ofBytes(
    'decodeForwardedAnswer',
    decodeForwardedAnswer,
    encodeForwardedAnswer({ status: 200, body: { hash, signature: 'A'.repeat(86), expiry: 1 } }),
    encodeForwardedAnswer({ status: 401, body: 'refused' }),
  ),
  ofBytes('decodeNodeRecord', decodeNodeRecord, ...records.map(({ hex }) => fromHex(hex) ?? new Uint8Array())),
  ofBytes(
    'decodeRecordExchangeRequest',
    decodeRecordExchangeRequest,
    encodeRecordExchangeRequest({
      envelopes: [utf8('one'), utf8('two')],
      held: [{ key, timestampMs: 1_800_000_000_000 }],
      inReturn: true,
    }),
  ),
  ofBytes(
    'decodeSignatureRequest',
    decodeSignatureRequest,
    encodeSignatureRequest({ kind: 'exit', bls: 'ab'.repeat(64), timestampS: 1_800_000_000 }),
    encodeSignatureRequest({ kind: 'reward', recipient: `0x${'cd'.repeat(20)}`, index: 7, totalAtomic: 1n << 200n }),
  ),
  ofBytes(
    'decodeSignatureAnswer',
    decodeSignatureAnswer,
    encodeSignatureAnswer({ signature: Buffer.alloc(128, 7) }),
    encodeSignatureAnswer({ refusal: 'too-early' }),
  ),
  ofBytes(
    'decodeContentsRequest',
    decodeContentsRequest,
    ...contents.requests.map(({ hex }) => fromHex(hex) ?? new Uint8Array()),
  ),
  // The first byte says what was asked.
  ofBytes(
    'decodeContentsAnswer',
    (bytes) => {
      const kind = CONTENTS_REQUEST_KINDS[(bytes[0] ?? 0) % CONTENTS_REQUEST_KINDS.length]
      const asked = contents.answers.find((answer) => answer.kind === kind && answer.count !== undefined)
      decodeContentsAnswer(kind ?? 'total', bytes.subarray(1), asked?.count)
    },
    ...contents.answers.map(({ kind, hex }) =>
      Buffer.concat([Buffer.of(CONTENTS_REQUEST_KINDS.indexOf(kind)), fromHex(hex) ?? Buffer.of()]),
    ),
  ),
  ofBytes('decodeProbeRequest', decodeProbeRequest, ...probes.requests.map(({ hex }) => fromHex(hex) ?? Buffer.of())),
  // The first byte says what was asked.
  ofBytes(
    'decodeProbeAnswer',
    (bytes) => decodeProbeAnswer(PROBE_KINDS[(bytes[0] ?? 0) % PROBE_KINDS.length] ?? 'ping', bytes.subarray(1)),
    ...probes.answers.map(({ kind, hex }) =>
      Buffer.concat([Buffer.of(PROBE_KINDS.indexOf(kind)), fromHex(hex) ?? Buffer.of()]),
    ),
  ),
  ofBytes(
    'readProbeReport',
    (bytes) => readProbeReport(bytes).isSignedFor(probes.report.network),
    fromHex(probes.report.hex) ?? Buffer.of(),
  ),
  ofBytes('decodeRecordList', decodeRecordList, encodeRecordList([utf8('one'), Buffer.alloc(1000)])),
  ofBytes(
    'FrameDecoder',
    (bytes) => {
      const decoder = new FrameDecoder(
        { accept: () => true, deliver: () => {} },
        { sizeMax: 1 << 20, kinds: ['request', 'response', 'failure', 'cancel'] },
      )
      decoder.push(bytes)
      decoder.end()
    },
    encodeFrame({ kind: 'request', id: 1, timeoutMs: 5_000, payload: utf8('payload') }),
    Buffer.concat([
      encodeFrame({ kind: 'failure', id: 2, code: 'busy' }),
      encodeFrame({ kind: 'response', id: 3, payload: fromBase64('AAAA') ?? new Uint8Array() }),
    ]),
  ),
]
