import { toBase64, utf8 } from '../../base/bytes.ts'
import { accountIdBytes } from '../account.ts'
import { type BencodeValue, decodeBencode, encodeBencode, isBencodeDictionary, isBencodeList } from '../bencode.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json.ts'
import { MONITOR_LIST_MAX } from '../limits.ts'
import type { StoredMessage } from '../message.ts'
import type { MonitorAnswer, MonitorEnd } from './monitor.ts'
import { bencodeDictionary, jsonDictionary, type MonitorDictionary } from './monitor-dictionary.ts'
import { MONITOR_ERROR, monitorRefusal } from './monitor-error.ts'

// What goes over a connection for subscriptions, a dictionary a frame, or a list of them (docs/protocol/monitor.md):
//
//   request  := dictionary | [dictionary…]
//   answer   := {success} | {errcode, error, swarm?}          a list of them for a list
//   notify   := {@ account, h hash, n namespace, t milliseconds, z expiry, ~ data?}
//   ended    := {@ account, errcode, error, n [namespace…], swarm?}
//
// An answer has no `@`; what is pushed has one, and a notification has `h`.

/** How frames are written: binary frames are bencode, text frames JSON. */
export type MonitorForm = 'bencode' | 'json'

/** One frame's requests, and whether they came as a list. */
export interface MonitorFrame {
  readonly dictionaries: readonly MonitorDictionary[]
  readonly isList: boolean
}

/** @throws {ProtocolError} for a frame that is no dictionary and no list of them, or too long a list */
export function decodeMonitorFrame(bytes: Uint8Array, form: MonitorForm): MonitorFrame {
  return form === 'bencode' ? decodeBencodeFrame(bytes) : decodeJsonFrame(bytes)
}

function decodeBencodeFrame(bytes: Uint8Array): MonitorFrame {
  const value = decodeBencode(bytes)
  const isList = isBencodeList(value)
  const dictionaries = inBounds(isList ? value : [value]).map((each) => {
    if (!isBencodeDictionary(each)) throw notDictionary()
    return bencodeDictionary(each)
  })
  return { dictionaries, isList }
}

function decodeJsonFrame(bytes: Uint8Array): MonitorFrame {
  const value = parseJson(bytes)
  const isList = Array.isArray(value)
  const dictionaries = inBounds(isList ? value : [value]).map((each: JsonValue) => {
    if (!isJsonObject(each)) throw notDictionary()
    return jsonDictionary(each)
  })
  return { dictionaries, isList }
}

function inBounds<Value>(list: readonly Value[]): readonly Value[] {
  if (list.length <= MONITOR_LIST_MAX) return list
  throw monitorRefusal(MONITOR_ERROR.badArguments, `more than ${MONITOR_LIST_MAX} dictionaries in a list`)
}

function notDictionary() {
  return monitorRefusal(MONITOR_ERROR.badArguments, 'expected a dictionary or a list of them')
}

export function encodeMonitorAnswers(
  answers: readonly MonitorAnswer[],
  isList: boolean,
  form: MonitorForm,
): Uint8Array {
  const [first = { success: 1 }] = answers
  return encoded(isList ? answers : first, form)
}

export function encodeNotification(message: StoredMessage, withData: boolean, form: MonitorForm): Uint8Array {
  const { account, hash, namespace, timestampMs, expiryMs, data } = message
  const fields = { h: hash, n: namespace, t: timestampMs, z: expiryMs }
  if (form === 'json') return encoded({ '@': account, ...fields, ...(withData && { '~': toBase64(data) }) }, form)
  const entries: [string, BencodeValue][] = Object.entries(fields).map(([key, value]) => [key, bencodeOf(value)])
  entries.push(['@', accountIdBytes(account)])
  if (withData) entries.push(['~', data])
  return encodeBencode(new Map(entries))
}

export function encodeMonitorEnd(end: MonitorEnd, form: MonitorForm): Uint8Array {
  const { account, namespaces, errcode, error, swarm } = end
  const fields = { errcode, error, n: namespaces, ...(swarm !== undefined && { swarm }) }
  if (form === 'json') return encoded({ '@': account, ...fields }, form)
  return encodeBencode(new Map([...dictionaryOf(fields), ['@', accountIdBytes(account)]]))
}

function encoded(value: JsonValue, form: MonitorForm): Uint8Array {
  return form === 'json' ? utf8(JSON.stringify(value)) : encodeBencode(bencodeOf(value))
}

/** Text becomes bytes, truth 0 or 1, and what is null is left out: bencode has no more. */
function bencodeOf(value: JsonValue): BencodeValue {
  if (typeof value === 'string') return utf8(value)
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (isJsonObject(value)) return dictionaryOf(value)
  return Array.isArray(value) ? value.filter((item) => item !== null).map(bencodeOf) : []
}

function dictionaryOf(object: JsonObject): Map<string, BencodeValue> {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined && value !== null)
  return new Map(entries.map(([key, value]) => [key, bencodeOf(value ?? null)]))
}
