import { createHash } from 'node:crypto'

/** Settings by their dotted place in the options, each as text. */
export type SettingsText = Readonly<Record<string, string>>

export const SETTINGS_VERSION = 1

export interface SettingsDocument {
  readonly version: typeof SETTINGS_VERSION
  /** Those that count. */
  readonly settings: SettingsText
  /** What was configured of those that are lower because there is too little memory; absent while there is enough. */
  readonly lowered?: SettingsText
}

/** Enough to tell two addresses apart, and nothing to guess one from. */
const DIGEST_DIGITS = 16

/**
 * What a node was made with, so that it can be compared with what its configuration says now. Of an address of a provider, which often
 * holds a key, there is the host and a digest.
 */
export function settingsText(options: object): SettingsText {
  const entries: [string, string][] = []
  const walk = (value: unknown, name: string) => {
    if (isGroup(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, name === '' ? key : `${name}.${key}`)
    } else if (value !== undefined) entries.push([name, textOf(value)])
  }
  walk(options, '')
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

export function settingsDocument(configured: object, effective: object): SettingsDocument {
  const before = settingsText(configured)
  const settings = settingsText(effective)
  const lowered = differences(before, settings).map((name) => [name, before[name] ?? ''])
  const document: SettingsDocument = { version: SETTINGS_VERSION, settings }
  return lowered.length === 0 ? document : { ...document, lowered: Object.fromEntries(lowered) }
}

/** The names of what is not the same in both. */
export function differences(one: SettingsText, other: SettingsText): readonly string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].filter((name) => one[name] !== other[name])
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Set)
}

function textOf(value: unknown): string {
  if (value instanceof Set) return textOf([...value])
  if (Array.isArray(value)) return value.map(textOf).join(', ')
  return typeof value === 'string' ? withoutSecrets(value) : String(value)
}

function withoutSecrets(text: string): string {
  const url = /^(?:https?|wss?):/i.test(text) ? URL.parse(text) : null
  if (url === null) return text
  return `${url.host} (${createHash('sha256').update(text).digest('hex').slice(0, DIGEST_DIGITS)})`
}
