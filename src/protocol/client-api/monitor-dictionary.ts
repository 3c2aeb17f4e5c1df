import { fromBase64, fromHex } from '../../base/bytes.ts'
import { type BencodeDictionary, type BencodeValue, isBencodeList, isBencodeString } from '../bencode.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { MONITOR_ERROR, type MonitorErrorCode, monitorRefusal } from './monitor-error.ts'

// The fields of a subscription, whichever way they are written: in bencode as bytes and integers; in JSON bytes are hex or
// base64 text, and `d` may be true or false. Unknown keys are skipped.

/** Readers of one field each; undefined when it is absent. All throw ProtocolError PARAMETER_INVALID. */
export interface MonitorDictionary {
  /** `errcode` is that of a value of another type or size. */
  bytes(key: string, size: number, errcode: MonitorErrorCode): Uint8Array | undefined
  integer(key: string): number | undefined
  integers(key: string): readonly number[] | undefined
  flag(key: string): boolean | undefined
}

export function bencodeDictionary(dictionary: BencodeDictionary): MonitorDictionary {
  return dictionaryOf((key) => dictionary.get(key), {
    bytes: (value) => (isBencodeString(value) ? value : undefined),
    list: (value) => (isBencodeList(value) ? value : undefined),
  })
}

export function jsonDictionary(object: JsonObject): MonitorDictionary {
  return dictionaryOf<JsonValue>((key) => object[key] ?? undefined, {
    bytes: (value, size) => {
      if (typeof value !== 'string') return undefined
      return value.length === 2 * size ? fromHex(value) : fromBase64(value)
    },
    list: (value) => (Array.isArray(value) ? value : undefined),
  })
}

function dictionaryOf<Value extends BencodeValue | JsonValue>(
  get: (key: string) => Value | undefined,
  read: {
    bytes(value: Value, size: number): Uint8Array | undefined
    list(value: Value): readonly unknown[] | undefined
  },
): MonitorDictionary {
  const invalid = (key: string, errcode: MonitorErrorCode = MONITOR_ERROR.badArguments) =>
    monitorRefusal(errcode, `Invalid value given for '${key}'`)
  return {
    bytes(key, size, errcode) {
      const value = get(key)
      if (value === undefined) return undefined
      const bytes = read.bytes(value, size)
      if (bytes?.length !== size) throw invalid(key, errcode)
      return bytes
    },
    integer(key) {
      const value = get(key)
      if (value !== undefined && !isInteger(value)) throw invalid(key)
      return value
    },
    integers(key) {
      const value = get(key)
      const list = value === undefined ? [] : read.list(value)
      if (list === undefined || !list.every(isInteger)) throw invalid(key)
      return value === undefined ? undefined : list
    },
    flag(key) {
      const value = get(key)
      if (value === undefined || typeof value === 'boolean') return value
      if (value !== 0 && value !== 1) throw invalid(key)
      return value === 1
    },
  }
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
