import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml'
import type { Place } from './problem.ts'

/** One option's value in a file. */
export interface YamlEntry {
  /** Dotted, such as `metrics.port`. */
  readonly name: string
  readonly value: unknown
  readonly keyPlace: Place
  readonly valuePlace: Place
  /** Of a list's items. */
  readonly itemPlaces: readonly Place[]
}

/** Why a text is no configuration. */
export interface YamlFault extends Partial<Place> {
  readonly reason: string
  readonly hint?: string
}

export interface YamlReading {
  /** Empty when the text is no YAML. */
  readonly entries: readonly YamlEntry[]
  /** Those that stand before the first fault, when there is one: enough to find a node by. */
  readonly salvaged: readonly YamlEntry[]
  readonly faults: readonly YamlFault[]
}

const NESTING_MAX = 4
/** What follows from one slip need not all be told. */
const FAULTS_MAX = 20

/** Reads YAML (JSON is YAML too) with the places of all values: nested keys become dotted names. */
export function readYaml(text: string): YamlReading {
  const lines = new LineCounter()
  // Its pretty errors would show the line, in which there may be a secret.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' })
  const reader = new EntryReader((offset) => placeOf(lines, offset))
  const { contents } = document
  if (contents !== null && !isEmpty(contents)) reader.readTop(contents)
  const syntax = [...document.errors, ...document.warnings].map((error) => ({
    ...explained(error),
    ...placeOf(lines, openedAt(document, error) ?? error.pos[0]),
  }))
  const isYaml = document.errors.length === 0
  const faults = isYaml ? [...syntax, ...reader.faults] : syntax
  const firstLine = Math.min(...faults.map(({ line = 1 }) => line))
  return {
    entries: isYaml ? reader.entries : [],
    salvaged: reader.entries.filter(({ valuePlace }) => valuePlace.line < firstLine),
    faults: faults.slice(0, FAULTS_MAX),
  }
}

const NO_MAPPING = { reason: 'it is not a mapping of options', hint: 'Write each option as `name: value`' }

class EntryReader {
  readonly entries: YamlEntry[] = []
  readonly faults: YamlFault[] = []
  readonly #placeAt: (offset: number) => Place

  constructor(placeAt: (offset: number) => Place) {
    this.#placeAt = placeAt
  }

  readTop(contents: Node): void {
    if (isMap(contents)) this.#readMap(contents.items, [])
    else this.faults.push({ ...NO_MAPPING, ...this.#place(contents, { line: 1, column: 1 }) })
  }

  #readMap(pairs: readonly Pair[], outer: readonly string[]): void {
    for (const { key, value } of pairs) {
      const keyPlace = this.#place(key, { line: 1, column: 1 })
      if (!isScalar(key)) {
        this.faults.push({ reason: 'a key is no plain text', ...keyPlace })
        continue
      }
      this.#readValue([...outer, String(key.value)], value, keyPlace)
    }
  }

  #readValue(words: readonly string[], value: unknown, keyPlace: Place): void {
    const name = words.join('.')
    if (isMap(value)) {
      if (words.length > NESTING_MAX) this.faults.push({ reason: `${name} is nested too deeply`, ...keyPlace })
      else this.#readMap(value.items, words)
      return
    }
    const items = isSeq(value) ? value.items : []
    const valuePlace = this.#place(value, keyPlace)
    if ([value, ...items].some(isAlias)) {
      this.faults.push({ reason: 'Alias: references are not taken', hint: 'Write the value out', ...valuePlace })
      return
    }
    const itemPlaces = items.map((item) => this.#place(item, valuePlace))
    this.#add({ name, value: plain(value), keyPlace, valuePlace, itemPlaces })
  }

  /** `metrics.port` and `metrics: {port}` are the same. */
  #add(entry: YamlEntry): void {
    const first = this.entries.find(({ name }) => name === entry.name)
    if (first === undefined) this.entries.push(entry)
    else
      this.faults.push({
        reason: `${entry.name} is given twice, first on line ${first.keyPlace.line}`,
        ...entry.keyPlace,
      })
  }

  #place(node: unknown, otherwise: Place): Place {
    const offset = rangeStart(node)
    return offset === undefined ? otherwise : this.#placeAt(offset)
  }
}

function rangeStart(node: unknown): number | undefined {
  if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return undefined
  return node.range?.[0]
}

function plain(value: unknown): unknown {
  if (isScalar(value)) return value.value
  // What is within the items of a list is no option's business but to be refused.
  if (isSeq(value)) return value.items.map((item) => (isScalar(item) ? item.value : {}))
  return isMap(value) ? {} : value
}

function isEmpty(contents: Node): boolean {
  return isScalar(contents) && contents.value === null
}

function placeOf(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

type SyntaxFault = YAMLParseError | YAMLWarning

/** What is never closed is noticed at the end of the file; whoever mends it looks for its beginning. */
function openedAt(document: Document, { message, pos }: SyntaxFault): number | undefined {
  if (!/Missing closing|and end with a/.test(message)) return undefined
  let opened: number | undefined
  visit(document.contents, {
    Node(_, node) {
      const start = rangeStart(node)
      if (start !== undefined && start <= pos[0] && isEnclosed(node)) opened = start
    },
  })
  return opened
}

function isEnclosed(node: unknown): boolean {
  if (isScalar(node)) return node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE'
  return (isMap(node) || isSeq(node)) && node.flow === true
}

const NOT_CLOSED = { reason: 'a quote, a bracket or a brace is not closed', hint: 'Close what is opened here' }
const QUOTES = 'Put the value in quotes'

/** The library's words, for those who do not know it, by its codes. */
const EXPLAINED: Readonly<Record<string, { readonly reason?: string; readonly hint: string }>> = {
  TAB_AS_INDENT: { hint: 'Indent with spaces' },
  BAD_INDENT: { hint: 'Indent the keys of one group alike, with spaces' },
  DUPLICATE_KEY: { reason: 'the key is given twice: keys must be unique', hint: 'Keep one of the two' },
  MISSING_CHAR: { hint: 'Write a colon and a space after each key' },
  BLOCK_IN_FLOW: { hint: 'Close the bracket or brace before the next key' },
  MULTILINE_IMPLICIT_KEY: { reason: 'a colon is missing', hint: 'Write a colon and a space after the key' },
  BAD_SCALAR_START: { hint: QUOTES },
  BLOCK_AS_IMPLICIT_KEY: { reason: 'a value has a colon and a space in it', hint: QUOTES },
  MULTIPLE_DOCS: { reason: 'it holds more than one document', hint: 'Take the second line of --- away' },
  TAG_RESOLVE_FAILED: { hint: 'Take the tag away, or put the value in quotes' },
  UNEXPECTED_TOKEN: { hint: 'Write one `name: value` a line' },
}

function explained({ message, code }: SyntaxFault): { reason: string; hint?: string } {
  if (/Missing closing|and end with a/.test(message)) return NOT_CLOSED
  const { reason = sentenceOf(message), ...hint } = EXPLAINED[code] ?? {}
  return { reason, ...hint }
}

/** As a part of a sentence. */
function sentenceOf(message: string): string {
  const text = message.replace(/\s+/g, ' ').trim()
  return text.charAt(0).toLowerCase() + text.slice(1)
}
