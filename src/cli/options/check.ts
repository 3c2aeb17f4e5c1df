import { isIP } from 'node:net'
import { CodedError } from '../../base/coded-error.ts'
import { PROVIDERS_MAX } from '../../staking/options.ts'
import { didYouMean } from '../config/nearest-name.ts'

export type OptionsErrorCode =
  /** A flag, environment variable or configuration key has a value that it cannot have. */
  | 'OPTION_INVALID'
  /** There is no option of this name, in the configuration file, the preset or the environment. */
  | 'OPTION_UNKNOWN'
  /** There is a configuration file already, and it says otherwise than was given to `starling init`. */
  | 'CONFIG_EXISTS'
  /** The configuration file cannot be read or is not YAML. */
  | 'CONFIG_UNREADABLE'
  /** The network preset cannot be read. */
  | 'PRESET_UNREADABLE'

export class OptionsError extends CodedError<OptionsErrorCode> {}

/** What of a flag says which values it takes. */
export interface CheckedFlag {
  type: 'string' | 'number' | 'boolean' | 'array'
  describe: string
  choices?: readonly string[]
  min?: number
  max?: number
  form?: TextForm
  items?: ListForm
  isSecret?: boolean
}

/** What a text must look like. */
export interface TextForm {
  accepts(text: string): boolean
  /** For people. */
  readonly wanted: string
  /** What may mend this text. */
  hintFor?(text: string): string | undefined
}

/** What the texts of a list must look like. */
export interface ListForm extends TextForm {
  readonly min?: number
  readonly max?: number
}

/** Why a flag cannot have a value. */
export interface ValueFault {
  /** It follows the flag's name: "must be true or false, not 5". */
  readonly reason: string
  readonly hint?: string
  /** Which item of a list it is about. */
  readonly item?: number
}

/** No host names: what they stand for can change while the node runs. */
export const IP_ADDRESS: TextForm = {
  accepts: (text) => isIP(text) !== 0,
  wanted: 'an IP address',
  hintFor: (text) =>
    /[a-z]/i.test(text)
      ? 'Write the address that the name stands for, such as 192.0.2.7'
      : 'Such as 192.0.2.7 or 2001:db8::7',
}
export const CONTRACT_ADDRESS: TextForm = {
  accepts: (text) => /^0x[0-9a-fA-F]{40}$/.test(text),
  wanted: '0x and 40 hex digits',
  hintFor: (text) => `It has ${text.replace(/^0x/, '').length} digits: copy the whole address`,
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

/** JSON-RPC providers. As many as the chain's reader tells apart. */
export const RPC_URLS: ListForm = {
  accepts: (text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''),
  wanted: 'URLs that start with http:// or https://',
  hintFor: (text) =>
    /^wss?:/.test(text)
      ? "Give the provider's https:// URL, not that of its WebSocket"
      : 'Such as https://rpc.example/v2/key',
  min: 1,
  max: PROVIDERS_MAX,
}

const PORT_MAX = 65_535
/** The range of any TCP port. 0 lets the system choose. */
export const PORT_RANGE = { min: 0, max: PORT_MAX } as const

/**
 * Refuses values that have the right name but not the right type or range.
 * @throws {OptionsError} OPTION_INVALID, for the first of them
 */
export function checkFlags(flags: Record<string, CheckedFlag>, args: object): void {
  const values = new Map(Object.entries(args))
  for (const [name, flag] of Object.entries(flags)) {
    const fault = valueFault(flag, values.get(name))
    if (fault !== undefined) throw new OptionsError('OPTION_INVALID', `${name} ${fault.reason}`)
  }
}

/** Why this flag cannot have this value; undefined when it can. */
export function valueFault(flag: CheckedFlag, value: unknown): ValueFault | undefined {
  if (value === undefined) return { reason: `must be given: ${flag.describe}` }
  switch (flag.type) {
    case 'number':
      return numberFault(flag, value)
    case 'boolean':
      return typeof value === 'boolean' ? undefined : switchFault(value)
    case 'string':
      return textFault(flag, value)
    case 'array':
      return listFault(flag, value)
  }
}

function numberFault({ min = 0, max = Number.MAX_SAFE_INTEGER }: CheckedFlag, value: unknown): ValueFault | undefined {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return undefined
  const upTo = max === Number.MAX_SAFE_INTEGER ? ' on' : ` to ${max}`
  // A flag's text that is no number comes as NaN.
  const shown = Number.isNaN(value) ? '' : `, not ${JSON.stringify(value)}`
  const reason = `must be a whole number from ${min}${upTo}${shown}`
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return { reason, hint: 'Take the quotes away' }
  if (Array.isArray(value)) return { reason, hint: 'Give one number' }
  if (typeof value === 'number' && value > max) return { reason, hint: `The largest is ${max}` }
  if (typeof value === 'number' && value < min) return { reason, hint: `The smallest is ${min}` }
  return { reason, hint: 'Write digits only, without a unit' }
}

const ON = ['yes', 'on', '1', 'y', 'enabled']
const OFF = ['no', 'off', '0', 'n', 'disabled']

function switchFault(value: unknown): ValueFault {
  const reason = `must be true or false, not ${JSON.stringify(value)}`
  const text = String(value).toLowerCase()
  if (ON.includes(text)) return { reason, hint: 'Did you mean true?' }
  if (OFF.includes(text)) return { reason, hint: 'Did you mean false?' }
  return { reason, hint: 'Write true or false, without quotes' }
}

function textFault(flag: CheckedFlag, value: unknown): ValueFault | undefined {
  if (typeof value !== 'string') {
    const reason = `must be one text, not ${JSON.stringify(value)}`
    return { reason, hint: Array.isArray(value) ? 'Give one value, without brackets' : 'Put the value in quotes' }
  }
  const { form = ANY_TEXT, choices } = flag
  if (choices !== undefined && !choices.includes(value)) {
    const hint = didYouMean(value, choices) ?? `There are ${choices.join(', ')}`
    return { reason: `must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}`, hint }
  }
  if (form.accepts(value)) return undefined
  const hint = form.hintFor?.(value)
  return { reason: `must be ${form.wanted}, not ${JSON.stringify(value)}`, ...(hint === undefined ? {} : { hint }) }
}

function listFault({ items = ANY_TEXT, isSecret = false }: CheckedFlag, value: unknown): ValueFault | undefined {
  // The URLs of RPC providers may hold keys, and this goes to logs.
  if (!Array.isArray(value)) {
    return { reason: 'must be a list of texts, not one thing', hint: 'Write [one, two], or one a line after a dash' }
  }
  const odd = value.findIndex((item) => typeof item !== 'string')
  if (odd >= 0) {
    const reason = 'must be a list of texts, not a list with other things in it'
    return { reason, hint: 'Put each value in quotes', item: odd }
  }
  const { min = 0, max = Number.MAX_SAFE_INTEGER }: ListForm = items
  const wanted = `must be ${items.wanted}`
  if (value.length < min) return { reason: `${wanted}: ${min} at least`, hint: 'Give one more' }
  if (value.length > max) return { reason: `${wanted}: ${max} at most`, hint: 'Take some away', item: max }
  const item = value.findIndex((text) => !items.accepts(text))
  if (item >= 0) {
    const shown = isSecret ? '' : `, not ${JSON.stringify(value[item])}`
    const hint = items.hintFor?.(String(value[item]))
    return { reason: `${wanted}${shown}`, item, ...(hint === undefined ? {} : { hint }) }
  }
  const again = value.findIndex((text, index) => value.indexOf(text) < index)
  return again < 0 ? undefined : { reason: 'has the same value twice', hint: 'Keep one of the two', item: again }
}
