import type { Chance } from './chance.ts'

/** Numbers at the edges of what a field, a double or a careless sum can hold. */
const NUMBERS = [
  ...['0', '-0', '1', '-1', '00', '1.0', '1e3', '1e-7', '1e999', '-1e999', '.5', '+1', '0x10'],
  ...['255', '256', '32767', '32768', '-32768', '-32769', '65535', '65536', '999999999', '1000000000'],
  ...['2147483647', '2147483648', '-2147483649', '4294967295', '4294967296', '9007199254740991', '9007199254740992'],
  ...['9007199254740993', '-9007199254740993', '9223372036854775807', '9223372036854775808', '18446744073709551616'],
  '9'.repeat(400),
]

/** Texts that are keys of every object, or not quite what base64, hex and UTF-8 should be. */
const TEXTS = [
  ...['', ' ', '=', '==', '====', 'A', 'A===', 'AA=A', '-_-_', 'AAA\n', '\u0000', '\\u0000', '\ud800', '\ufeff', '💥'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'all', 'null', 'NaN'],
  ...['0g', '0x00', '00', 'FF'.repeat(33), 'ff'.repeat(32), '01'.padEnd(64, '0'), 'A'.repeat(42), 'A'.repeat(44)],
  ...['/'.repeat(86), '/'.repeat(88), 'a'.repeat(5000), '٣٣'],
]

const EDGE_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x5b, 0x7b]
/** Bytes that begin a text. */
const PRINTABLE_MIN = 0x20
const PRINTABLE_MAX = 0x7e
const SLICE_MAX = 40
const DEPTH_MAX = 60

type Mutation = (bytes: Buffer) => Buffer

export type Mutator = () => Buffer

/** Makes bytes that are nearly right: changed copies of right ones, by a chance that can be had again. */
export function createMutator(chance: Chance, seeds: readonly Uint8Array[]): Mutator {
  const corpus = seeds.map((seed) => Buffer.from(seed))
  const onBytes = byteMutations(chance, corpus)
  const onText = textMutations(chance)
  return () => {
    let bytes: Buffer = chance.pick(corpus)
    const steps = 1 + chance.below(3)
    for (let step = 0; step < steps; step++) {
      const mutations = isText(bytes) && chance.below(4) > 0 ? onText : onBytes
      bytes = chance.pick(mutations)(bytes)
    }
    return bytes
  }
}

function byteMutations(chance: Chance, corpus: readonly Buffer[]): readonly Mutation[] {
  const placeIn = (bytes: Buffer) => chance.below(bytes.length + 1)
  const changed = (bytes: Buffer, change: (copy: Buffer) => void) => {
    const copy = Buffer.from(bytes)
    if (copy.length > 0) change(copy)
    return copy
  }
  const slice = (bytes: Buffer) => {
    const start = placeIn(bytes)
    return bytes.subarray(start, start + 1 + chance.below(SLICE_MAX))
  }
  return [
    // A bit.
    (bytes) => changed(bytes, (copy) => setByte(copy, chance, (old) => old ^ (1 << chance.below(8)))),
    // A byte at an edge.
    (bytes) => changed(bytes, (copy) => setByte(copy, chance, () => chance.pick(EDGE_BYTES))),
    // A length field, of any size and order, that says too much, too little or anything.
    (bytes) => changed(bytes, (copy) => writeLength(copy, chance)),
    // The beginning, or the end.
    (bytes) => bytes.subarray(0, placeIn(bytes)),
    (bytes) => bytes.subarray(placeIn(bytes)),
    // Something inserted, left out, or twice.
    (bytes) => spliced(bytes, placeIn(bytes), 0, Buffer.alloc(1 + chance.below(SLICE_MAX), chance.below(256))),
    (bytes) => spliced(bytes, placeIn(bytes), 1 + chance.below(SLICE_MAX), Buffer.alloc(0)),
    (bytes) => spliced(bytes, placeIn(bytes), 0, slice(bytes)),
    // The beginning of one and the end of another.
    (bytes) => {
      const other = chance.pick(corpus)
      return Buffer.concat([bytes.subarray(0, placeIn(bytes)), other.subarray(placeIn(other))])
    },
  ]
}

function setByte(copy: Buffer, chance: Chance, change: (old: number) => number): void {
  const at = chance.below(copy.length)
  copy[at] = change(copy[at] ?? 0)
}

const WIDTHS = [1, 2, 4, 8]

function writeLength(copy: Buffer, chance: Chance): void {
  const width = chance.pick(WIDTHS)
  if (copy.length < width) return
  const whole = 2n ** BigInt(8 * width)
  const length = BigInt(copy.length)
  const edges = [0n, 1n, length - 1n, length, length + 1n, whole / 2n - 1n, whole / 2n, whole - 1n]
  const at = chance.below(copy.length - width + 1)
  const value = chance.pick(edges) % whole
  for (let index = 0; index < width; index++) {
    const shift = BigInt(8 * index)
    copy[chance.below(2) === 0 ? at + index : at + width - 1 - index] = Number((value >> shift) & 0xffn)
  }
}

function textMutations(chance: Chance): readonly Mutation[] {
  /** Replaces one of the parts that fit, chosen by chance. */
  const replaced = (bytes: Buffer, part: RegExp, replacement: (old: string) => string) => {
    const text = bytes.toString('utf8')
    const found = [...text.matchAll(part)]
    if (found.length === 0) return bytes
    const { 0: old, index } = chance.pick(found)
    return Buffer.from(text.slice(0, index) + replacement(old) + text.slice(index + old.length))
  }
  return [
    (bytes) => replaced(bytes, /-?\d+(\.\d+)?/g, () => chance.pick(NUMBERS)),
    (bytes) => replaced(bytes, /"[^"]*"/g, () => `"${chance.pick(TEXTS)}"`),
    (bytes) => replaced(bytes, /[^"{}[\]:,]+/g, () => chance.pick(TEXTS)),
    // A value of another kind.
    (bytes) =>
      replaced(bytes, /"[^"]*"|-?\d+|true|false|null/g, () => chance.pick(['null', 'true', '[]', '{}', '0', '""'])),
    // Deeper.
    (bytes) =>
      replaced(bytes, /"[^"]*"|-?\d+|\[\]|\{\}/g, (old) => {
        const depth = 1 + chance.below(DEPTH_MAX)
        return chance.below(2) === 0
          ? '['.repeat(depth) + old + ']'.repeat(depth)
          : '{"a":'.repeat(depth) + old + '}'.repeat(depth)
      }),
    // A field twice, or not at all.
    (bytes) => replaced(bytes, /"[^"]*":[^,{}[\]]*/g, (old) => `${old},${old}`),
    (bytes) => replaced(bytes, /,?"[^"]*":[^,{}[\]]*/g, () => ''),
    (bytes) => replaced(bytes, /[{}[\]:,"]/g, () => chance.pick([...'{}[]:,"'])),
  ]
}

function spliced(bytes: Buffer, at: number, left: number, inserted: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + left)])
}

function isText(bytes: Buffer): boolean {
  const [first] = bytes
  return first !== undefined && first >= PRINTABLE_MIN && first <= PRINTABLE_MAX
}
