import { CodedError } from '../base/coded-error.ts'

/** Characters of one text, items of one list or object, and levels of nesting that a line may have. */
const TEXT_MAX = 1_000
const ITEMS_MAX = 50
const DEPTH_MAX = 4
/** Characters of all texts and names in one line together: with what JSON adds, a line stays below 16 KiB. */
const LINE_MAX = 6_000
const CAUSES_MAX = 4
const FRAMES_MAX = 12

/** What a line says, within bounds and without what identifies anybody: whatever part it comes from, and whatever it was given. */
export function describeFacts(facts: object): Record<string, unknown> {
  return new FactWriter().object(facts, 0)
}

/**
 * What may be said of an error. The words of our own coded errors are constant or about this machine. Others' words may hold anything that
 * was being worked on, so of those errors only kind, code and place are told.
 */
export function describeError(error: unknown): Record<string, unknown> {
  return new FactWriter().error(error, 0)
}

/** A sentence is constant, as a rule; those that are not are held to the same as facts. */
export function describeText(text: string): string {
  return new FactWriter().text(text)
}

/** Writes the facts of one line. */
class FactWriter {
  #left = LINE_MAX

  object(facts: object, depth: number): Record<string, unknown> {
    const entries = Object.entries(facts).slice(0, ITEMS_MAX)
    return Object.fromEntries(entries.map(([name, value]) => [this.text(name), this.#fact(name, value, depth + 1)]))
  }

  error(error: unknown, depth: number): Record<string, unknown> {
    if (!(error instanceof Error)) return { thrown: typeof error }
    return {
      name: nameOf(error),
      ...this.#particulars(error, depth),
      ...(error.cause !== undefined && depth < CAUSES_MAX ? { cause: this.error(error.cause, depth + 1) } : {}),
      ...(error instanceof AggregateError && depth < CAUSES_MAX
        ? { errors: error.errors.slice(0, CAUSES_MAX).map((each) => this.error(each, depth + 1)) }
        : {}),
    }
  }

  #particulars(error: Error, depth: number): Record<string, unknown> {
    if (error instanceof CodedError) {
      return { code: error.code, message: this.text(error.message), details: this.object(error.details, depth) }
    }
    const { code, syscall, path } = error as NodeJS.ErrnoException
    // Of a failed call of the system the words are made of these; the address that it was about is left out.
    if (typeof syscall === 'string' && isCode(code)) {
      return { code, syscall: this.text(syscall), ...(typeof path === 'string' && { path: this.text(path) }) }
    }
    return { ...(isCode(code) && { code }), stack: framesOf(error).map((frame) => this.text(frame)) }
  }

  /** Anything can be thrown, a text as well. */
  #fact(name: string, value: unknown, depth: number): unknown {
    return name === 'error' ? this.error(value, 0) : this.#value(value, depth)
  }

  #value(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'string':
        return this.text(value)
      case 'number':
      case 'boolean':
      case 'undefined':
        return value
      case 'bigint':
        return String(value)
      case 'object':
        return value === null ? null : this.#compound(value, depth)
      default:
        return `<${typeof value}>`
    }
  }

  #compound(value: object, depth: number): unknown {
    if (value instanceof Error) return this.error(value, 0)
    if (value instanceof Date) return value.toJSON()
    // Bytes are keys or what somebody sent.
    if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`
    if (depth >= DEPTH_MAX) return '<more>'
    if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => this.#value(item, depth + 1))
    const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(value))
    return isPlain ? this.object(value, depth) : `<${nameOf(value)}>`
  }

  text(text: string): string {
    if (this.#left <= 0) return '…'
    const said = speakable(text.slice(0, TEXT_MAX + 1))
    const max = Math.min(TEXT_MAX, this.#left)
    const kept = said.length <= max && text.length <= TEXT_MAX ? said : `${said.slice(0, Math.max(0, max))}…`
    this.#left -= kept.length
    return kept
  }
}

/** What no line shows, should a part hand it over by mistake, and what a terminal would act on. */
function speakable(text: string): string {
  return text
    .replace(URLS, '$1$2/…')
    .replace(ACCOUNT_IDS, '<account>')
    .replace(MESSAGE_HASHES, '<hash>')
    .replace(UNSAFE, ' ')
}

/** Providers put keys into user names, paths and queries, so only the host is left. */
const URLS = /\b((?:https?|wss?):\/\/)(?:[^\s/@"')]*@)?([^\s/:?#"')@]+)[^\s"')]*/gi
/** 33 bytes: keys of service nodes, which anybody may know, are 32. */
const ACCOUNT_IDS = /(?<![0-9a-f])[0-9a-f]{66}(?![0-9a-f])/gi
/** 32 bytes in base64; hex of that length is none. */
const MESSAGE_HASHES = /(?<![\w+/])(?=[\w+/]*[A-Z])(?=[\w+/]*[a-z])(?=[\w+/]*\d)[\w+/]{43}(?![\w+/])/g
/** Control characters, and what turns the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: It is those that are looked for.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

function nameOf(value: object): string {
  const { name } = value instanceof Error ? value : (value.constructor ?? {})
  return typeof name === 'string' && /^[\w$]{1,60}$/.test(name) ? name : 'Error'
}

function isCode(code: unknown): code is string {
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)
}

/** Where it was thrown. What stands before that are the error's own words, and a stack that does not begin with them may hold them anywhere. */
function framesOf({ stack, name, message }: Error): readonly string[] {
  if (stack === undefined || !stack.includes(message) || String(name).includes('\n')) return []
  // Words of several lines might look like places themselves.
  const at = message.includes('\n') ? stack.lastIndexOf(message) : stack.indexOf(message)
  const places = stack.slice(at + message.length).split('\n')
  return places
    .map((place) => place.trim())
    .filter((place) => FRAME.test(place))
    .slice(0, FRAMES_MAX)
}

const FRAME = /^at (?:[\w$.<>[\] #]{1,120} \()?(?:file:\/\/\/|node:|\/)[^\s()]{1,300}:\d+:\d+\)?$/
