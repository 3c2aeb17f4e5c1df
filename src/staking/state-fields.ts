import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json.ts'
import { StakingError } from './errors.ts'

// Strict readers of the fields of our state files. They throw nothing but StakingError STATE_FILE_DAMAGED.

export function objectField(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) throw damagedState()
  return value
}

export function listField(value: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(value)) throw damagedState()
  return value
}

export function textField(value: JsonValue | undefined, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw damagedState()
  return value
}

/** A number that counts something. */
export function countField(value: JsonValue | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw damagedState()
  return value
}

export function flagField(value: JsonValue | undefined): boolean {
  if (typeof value !== 'boolean') throw damagedState()
  return value
}

/** Any integer of the chain, as decimal digits. */
export function integerField(value: JsonValue | undefined): bigint {
  return BigInt(textField(value, /^\d{1,78}$/))
}

export function uint64Field(value: JsonValue | undefined): bigint {
  const number = integerField(value)
  if (number >= 1n << 64n) throw damagedState()
  return number
}

export function damagedState(): StakingError {
  return new StakingError('STATE_FILE_DAMAGED', 'A file with the state of the staking part is not as it was written')
}
