import { fromHex } from '../../base/bytes.ts'
import { parseBlsPublicKey } from '../../crypto/bls.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json.ts'
import type { CollectedSignature, NonSignerReason, SignatureSubject } from './signature-source.ts'

// Subjects and collected signatures as JSON, for the node's own socket. Integers that a double may not hold are decimal text.

/** Undefined for anything that names no subject. */
export function subjectOfJson(value: JsonValue | undefined): SignatureSubject | undefined {
  if (!isJsonObject(value)) return undefined
  const { kind, blsPublicKey, recipient } = value as Readonly<Record<string, JsonValue | undefined>>
  if (kind === 'reward') return isAddress(recipient) ? { kind, recipient } : undefined
  if ((kind !== 'exit' && kind !== 'liquidate') || typeof blsPublicKey !== 'string') return undefined
  const key = parseBlsPublicKey(fromHex(blsPublicKey) ?? new Uint8Array())
  return key === undefined ? undefined : { kind, blsPublicKey: key }
}

export function jsonOfSubject(subject: SignatureSubject): JsonObject {
  return subject.kind === 'reward'
    ? { kind: subject.kind, recipient: subject.recipient }
    : { kind: subject.kind, blsPublicKey: Buffer.from(subject.blsPublicKey).toString('hex') }
}

export function jsonOfCollected(collected: CollectedSignature): JsonObject {
  const { kind, timestampS, totalAtomic, signature, nonSigners, signed, members, refusals } = collected
  const { sigs0, sigs1, sigs2, sigs3 } = signature
  return {
    kind,
    ...(timestampS === undefined ? {} : { timestampS }),
    ...(totalAtomic === undefined ? {} : { totalAtomic: String(totalAtomic) }),
    signature: { sigs0: String(sigs0), sigs1: String(sigs1), sigs2: String(sigs2), sigs3: String(sigs3) },
    nonSigners: nonSigners.map(String),
    signed,
    members,
    refusals: { ...refusals },
  }
}

/** Undefined for what is no collected signature. Whether it is right is the contract's to say. */
export function collectedOfJson(value: JsonValue): CollectedSignature | undefined {
  if (!isJsonObject(value)) return undefined
  const { kind, timestampS, totalAtomic, signature, nonSigners, signed, members, refusals } = value as Readonly<
    Record<string, JsonValue | undefined>
  >
  if (kind !== 'exit' && kind !== 'liquidate' && kind !== 'reward') return undefined
  if (!isJsonObject(signature) || !isJsonObject(refusals) || !Array.isArray(nonSigners)) return undefined
  const { sigs0, sigs1, sigs2, sigs3 } = signature as Readonly<Record<string, JsonValue | undefined>>
  const words = [sigs0, sigs1, sigs2, sigs3].map(integer)
  const ids = (nonSigners as readonly JsonValue[]).map(integer)
  const total = totalAtomic === undefined ? undefined : integer(totalAtomic)
  const [first, second, third, fourth] = words
  if (first === undefined || second === undefined || third === undefined || fourth === undefined) return undefined
  if (!ids.every((id) => id !== undefined) || !isCount(signed) || !isCount(members)) return undefined
  if (kind === 'reward' ? total === undefined : !isCount(timestampS)) return undefined
  return {
    kind,
    ...(isCount(timestampS) ? { timestampS } : {}),
    ...(total === undefined ? {} : { totalAtomic: total }),
    signature: { sigs0: first, sigs1: second, sigs2: third, sigs3: fourth },
    nonSigners: ids,
    signed,
    members,
    refusals: Object.fromEntries(Object.entries(refusals).filter(([, count]) => isCount(count))) as Partial<
      Record<NonSignerReason, number>
    >,
  }
}

function integer(value: JsonValue | undefined): bigint | undefined {
  return typeof value === 'string' && /^\d{1,78}$/.test(value) ? BigInt(value) : undefined
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isAddress(value: JsonValue | undefined): value is `0x${string}` {
  return typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)
}
