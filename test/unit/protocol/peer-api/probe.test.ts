import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../../src/base/bytes.ts'
import { ed25519KeyPairFromSeed } from '../../../../src/crypto/keys.ts'
import { sign } from '../../../../src/crypto/signature.ts'
import type { AccountId } from '../../../../src/protocol/account.ts'
import type { MessageHash } from '../../../../src/protocol/message.ts'
import type { NetworkId } from '../../../../src/protocol/network-id.ts'
import {
  decodeProbeAnswer,
  decodeProbeRequest,
  encodeProbeAnswer,
  encodeProbeRequest,
  PROBE_MAX_BYTES,
  type ProbeKind,
  type ProbeRequest,
  storageDigest,
} from '../../../../src/protocol/peer-api/probe.ts'
import {
  type Findings,
  PROBE_REPORT_MAX_BYTES,
  PROBE_REPORT_ROWS_MAX,
  readProbeReport,
  sealProbeReport,
} from '../../../../src/protocol/peer-api/probe-report.ts'
import { parseServiceNodeKey, type ServiceNodeKey, serviceNodeKey } from '../../../../src/protocol/service-node.ts'
import { protocolErrorOf } from '../onion/vectors.ts'

interface CursorVector {
  readonly account: AccountId
  readonly kind: 'message'
  readonly id: string
}
interface RequestVector {
  readonly name: string
  readonly hex: string
  readonly kind: ProbeKind
  readonly report?: string
  readonly challenge?: {
    readonly nonce: string
    readonly arc: { readonly first: string; readonly last: string }
    readonly atMs: number
    readonly after: CursorVector
    readonly through: CursorVector
  }
}
interface AnswerVector {
  readonly name: string
  readonly hex: string
  readonly kind: ProbeKind
  readonly clockMs: number
  readonly content?: Readonly<Record<string, unknown>>
}
const vectors = JSON.parse(readFileSync('test/vectors/probe.json', 'utf8')) as {
  readonly requests: readonly RequestVector[]
  readonly answers: readonly AnswerVector[]
  readonly digest: {
    readonly nonce: string
    readonly prover: ServiceNodeKey
    readonly messages: readonly { readonly hash: MessageHash; readonly data: string }[]
    readonly hex: string
  }
  readonly report: {
    readonly seed: string
    readonly network: NetworkId
    readonly tester: ServiceNodeKey
    readonly epoch: number
    readonly timestampMs: number
    readonly rows: readonly { readonly member: string; readonly findings: Findings }[]
    readonly hex: string
  }
}
const bytes = (hex: string) => Buffer.from(fromHex(hex) ?? [])

function requestOf({ kind, report, challenge }: RequestVector): ProbeRequest {
  if (kind === 'tell') return { kind, report: bytes(report ?? '') }
  if (kind !== 'proof' || challenge === undefined) return { kind } as ProbeRequest
  const { nonce, arc, after, through, atMs } = challenge
  const cursor = (from: CursorVector) => ({ ...from, id: bytes(from.id) })
  return {
    kind,
    challenge: {
      atMs,
      nonce: bytes(nonce),
      arc: { first: BigInt(arc.first), last: BigInt(arc.last) },
      after: cursor(after),
      through: cursor(through),
    },
  }
}

const BINARY = new Set(['digest', 'report'])
const contentOf = ({ kind, content }: AnswerVector) => {
  if (kind === 'ping') return undefined
  if (kind === 'ask' && content?.['report'] === undefined) return { report: undefined }
  return Object.fromEntries(
    Object.entries(content ?? {}).map(([name, value]) => [name, BINARY.has(name) ? bytes(String(value)) : value]),
  )
}

describe('requests', () => {
  test.each(vectors.requests)('$name', (vector) => {
    const request = requestOf(vector)
    expect(toHex(encodeProbeRequest(request))).toBe(vector.hex)
    expect(decodeProbeRequest(bytes(vector.hex))).toEqual(request)
  })

  test('about a range that does not end with a message are refused', () => {
    const proof = bytes(vectors.requests[1]?.hex ?? '')
    proof[proof.length - 67] = 1
    expect(protocolErrorOf(() => decodeProbeRequest(proof))).toBe('FRAME_MALFORMED')
  })
})

describe('answers', () => {
  test.each(vectors.answers)('$name', (vector) => {
    const answer = { clockMs: vector.clockMs, content: contentOf(vector) }
    expect(decodeProbeAnswer(vector.kind, bytes(vector.hex))).toEqual(answer)
    expect(toHex(encodeProbeAnswer(vector.kind, decodeProbeAnswer(vector.kind, bytes(vector.hex))))).toBe(vector.hex)
  })
})

test('what ends too soon, or goes on after its end, is refused', () => {
  for (const { hex, kind } of vectors.requests) {
    const whole = bytes(hex)
    // A report may have any length here: what it holds is looked at later.
    if (kind === 'tell') continue
    for (let size = 0; size < whole.length; size++) {
      expect(protocolErrorOf(() => decodeProbeRequest(whole.subarray(0, size)))).toBe('FRAME_TRUNCATED')
    }
    expect(protocolErrorOf(() => decodeProbeRequest(Buffer.concat([whole, Buffer.of(0)])))).toBe('FRAME_TOO_LARGE')
  }
  for (const { hex, kind } of vectors.answers.filter((answer) => answer.kind !== 'ask')) {
    const whole = bytes(hex)
    for (let size = 0; size < whole.length; size++) {
      expect(protocolErrorOf(() => decodeProbeAnswer(kind, whole.subarray(0, size)))).toBe('FRAME_TRUNCATED')
    }
    expect(protocolErrorOf(() => decodeProbeAnswer(kind, Buffer.concat([whole, Buffer.of(0)])))).toBe('FRAME_TOO_LARGE')
  }
  const large = Buffer.alloc(PROBE_MAX_BYTES + 1, 2)
  expect(protocolErrorOf(() => decodeProbeRequest(large))).toBe('FRAME_TOO_LARGE')
  expect(protocolErrorOf(() => decodeProbeAnswer('ask', large))).toBe('FRAME_TOO_LARGE')
  expect(protocolErrorOf(() => decodeProbeRequest(Buffer.of(4)))).toBe('FRAME_MALFORMED')
})

test('a digest is over the nonce, the key of who answers, and the data', () => {
  const { nonce, prover, messages, hex } = vectors.digest
  const held = messages.map(({ hash, data }) => ({ hash, data: bytes(data) }))
  expect(toHex(storageDigest({ nonce: bytes(nonce) }, prover, held))).toBe(hex)
  const other = parseServiceNodeKey('22'.repeat(32)) as ServiceNodeKey
  expect(toHex(storageDigest({ nonce: bytes(nonce) }, other, held))).not.toBe(hex)
})

describe('a report', () => {
  const { seed, network, hex, rows, ...facts } = vectors.report
  const report = { ...facts, rows: rows.map(({ member, findings }) => ({ member: BigInt(member), findings })) }
  const tester = ed25519KeyPairFromSeed(bytes(seed))
  const signAs = (text: Uint8Array) => sign(text, tester.secretKey)

  test('is as the vector has it, and signed for one network', () => {
    expect(toHex(sealProbeReport(report, network, signAs))).toBe(hex)
    const read = readProbeReport(bytes(hex))
    expect(read.report).toEqual(report)
    expect(read.isSignedFor(network)).toBe(true)
    expect(read.isSignedFor('cd'.repeat(32) as NetworkId)).toBe(false)
  })

  test('that is changed anywhere is refused or not signed', () => {
    const whole = bytes(hex)
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 1
      const isTaken = () => expect(readProbeReport(changed).isSignedFor(network)).toBe(false)
      expect(['FRAME_MALFORMED', 'FRAME_TRUNCATED', 'FRAME_TOO_LARGE', undefined]).toContain(protocolErrorOf(isTaken))
    }
  })

  test('that is cut, has more behind it, or rows out of order is refused', () => {
    const whole = bytes(hex)
    for (let size = 0; size < whole.length; size++) {
      expect(protocolErrorOf(() => readProbeReport(whole.subarray(0, size)))).toBe('FRAME_TRUNCATED')
    }
    expect(protocolErrorOf(() => readProbeReport(Buffer.concat([whole, Buffer.of(0)])))).toBe('FRAME_TOO_LARGE')
    const disordered = sealProbeReport({ ...report, rows: report.rows.toReversed() }, network, signAs)
    expect(protocolErrorOf(() => readProbeReport(disordered))).toBe('FRAME_MALFORMED')
    const untested = sealProbeReport({ ...report, rows: [{ member: 1n, findings: {} }] }, network, signAs)
    expect(protocolErrorOf(() => readProbeReport(untested))).toBe('FRAME_MALFORMED')
  })

  test('of any content comes back as it was, and fits what the network carries', () => {
    const finding = fc.constantFrom('passed' as const, 'failed' as const)
    const findings = fc
      .record({ https: finding, libp2p: finding, storage: finding }, { requiredKeys: [] })
      .filter((found) => Object.keys(found).length > 0)
    const ids = fc.uniqueArray(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: PROBE_REPORT_ROWS_MAX })
    fc.assert(
      fc.property(ids, findings, fc.maxSafeNat(), fc.maxSafeNat(), (members, found, epoch, timestampMs) => {
        const sorted = members.toSorted((a, b) => (a < b ? -1 : 1)).map((member) => ({ member, findings: found }))
        const written = { tester: serviceNodeKey(tester.publicKey), epoch, timestampMs, rows: sorted }
        const sealed = sealProbeReport(written, network, signAs)
        expect(sealed.length).toBeLessThanOrEqual(PROBE_REPORT_MAX_BYTES)
        expect(encodeProbeRequest({ kind: 'tell', report: sealed }).length).toBeLessThanOrEqual(PROBE_MAX_BYTES)
        expect(readProbeReport(sealed).report).toEqual(written)
      }),
    )
  })
})
