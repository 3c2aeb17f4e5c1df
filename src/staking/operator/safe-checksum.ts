import { keccak256, stringToBytes } from 'viem'
import { isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json.ts'
import type { Hex } from '../chain-reply.ts'

/**
 * The checksum of a batch without one. Safe's Transaction Builder warns of a batch whose `meta.checksum` is another, or missing, as of
 * one that was changed on its way. The name is not part of it.
 */
export function safeChecksum({ meta, ...batch }: JsonObject & { readonly meta: JsonObject }): Hex {
  return keccak256(stringToBytes(ordered({ ...batch, meta: { ...meta, name: null } })))
}

/** The text that is hashed: of objects the names in order, then the values in that order, with a comma behind each. */
function ordered(value: JsonValue): string {
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(ordered).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `{${JSON.stringify(names)}${names.map((name) => `${ordered(value[name] ?? null)},`).join('')}}`
}
