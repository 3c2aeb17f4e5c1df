import { isIP } from 'node:net'
import { CodedError } from '../../base/coded-error.ts'

export type OptionsErrorCode =
  /** A flag, environment variable or configuration key has a value that it cannot have. */
  | 'OPTION_INVALID'
  /** The configuration file cannot be read or is not YAML. */
  | 'CONFIG_UNREADABLE'
  /** The network preset cannot be read. */
  | 'PRESET_UNREADABLE'

export class OptionsError extends CodedError<OptionsErrorCode> {}

/** What of a flag says which values it takes. */
export interface CheckedFlag {
  type: 'string' | 'number' | 'boolean' | 'array'
  describe: string
  min?: number
  max?: number
  form?: TextForm
}

/** What a text must look like. */
export interface TextForm {
  accepts(text: string): boolean
  /** For people. */
  readonly wanted: string
}

/** No host names: what they stand for can change while the node runs. */
export const IP_ADDRESS: TextForm = { accepts: (text) => isIP(text) !== 0, wanted: 'an IP address' }
export const CONTRACT_ADDRESS: TextForm = {
  accepts: (text) => /^0x[0-9a-fA-F]{40}$/.test(text),
  wanted: '0x and 40 hex digits',
}
/** For what a network need not have. */
export const CONTRACT_ADDRESS_OR_NONE: TextForm = {
  accepts: (text) => text === '' || CONTRACT_ADDRESS.accepts(text),
  wanted: `${CONTRACT_ADDRESS.wanted}, or empty`,
}
export const ACCEPTED_CODE: TextForm = {
  accepts: (text) => text === 'first' || /^0x[0-9a-fA-F]{64}$/.test(text),
  wanted: 'first, or 0x and 64 hex digits',
}
const ANY_TEXT: TextForm = { accepts: (text) => text !== '', wanted: 'a text that is not empty' }

const PORT_MAX = 65_535
/** The range of any TCP port. 0 lets the system choose. */
export const PORT_RANGE = { min: 0, max: PORT_MAX } as const

/** Refuses values that have the right name but not the right type or range. */
export function checkFlags(flags: Record<string, CheckedFlag>, args: object): void {
  const values = new Map(Object.entries(args))
  for (const [name, flag] of Object.entries(flags)) checkFlag(name, flag, values.get(name))
}

/** Refuses what somebody gave for a switch if it is neither true nor false. */
export function refuseOddSwitch(name: string, value: unknown): void {
  if (value === undefined || [true, false, 'true', 'false'].includes(value as boolean | string)) return
  throw new OptionsError('OPTION_INVALID', `${name} must be true or false, not ${JSON.stringify(value)}`)
}

function checkFlag(name: string, flag: CheckedFlag, value: unknown): void {
  const refuse = (want: string, shown = JSON.stringify(value)): never => {
    throw new OptionsError('OPTION_INVALID', `${name} must be ${want}, not ${shown}`)
  }
  const { type, min = 0, max = Number.MAX_SAFE_INTEGER } = flag
  if (value === undefined) throw new OptionsError('OPTION_INVALID', `${name} must be given: ${flag.describe}`)
  if (type === 'number' && (!Number.isInteger(value) || Number(value) < min || Number(value) > max)) {
    refuse(`a whole number from ${min} to ${max}`)
  }
  if (type === 'boolean' && typeof value !== 'boolean') refuse('true or false')
  if (type === 'string' && typeof value !== 'string') refuse('one text')
  const form = flag.form ?? ANY_TEXT
  if (typeof value === 'string' && !form.accepts(value)) refuse(form.wanted)
  if (type === 'array' && !(Array.isArray(value) && value.every((item) => typeof item === 'string'))) {
    // The URLs of RPC providers may hold keys, and this goes to logs.
    refuse('a list of texts', Array.isArray(value) ? 'a list with other things in it' : 'one thing')
  }
}
