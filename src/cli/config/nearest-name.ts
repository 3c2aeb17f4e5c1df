/** How many single changes may lie between a word and what was meant: one in three characters, two at least. */
const CHANGES_MIN = 2
const CHARACTERS_PER_CHANGE = 3
/** Nobody means a word of this length by mistake, and the comparison takes the product of both lengths. */
const WORD_MAX = 128

/** The known name that somebody meant who wrote this, or undefined when none is near. */
export function nearestName(word: string, known: readonly string[]): string | undefined {
  if (word.length > WORD_MAX) return undefined
  const asked = word.toLowerCase()
  // The right key in the wrong group is further away in letters than in meaning.
  const sameEnding = known.filter((name) => lastOf(name) === lastOf(asked) && lastOf(name) !== '')
  const candidates = known.map((name) => ({ name, changes: changesBetween(asked, name.toLowerCase()) }))
  const [best] = candidates.sort((a, b) => a.changes - b.changes)
  if (best !== undefined && best.changes <= changesMax(asked)) return best.name
  return sameEnding.length === 1 ? sameEnding[0] : undefined
}

/** The sentence that says so. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const name = nearestName(word, known)
  return name === undefined ? undefined : `Did you mean ${name}?`
}

function changesMax(word: string): number {
  return Math.max(CHANGES_MIN, Math.floor(word.length / CHARACTERS_PER_CHANGE))
}

function lastOf(name: string): string {
  return name.toLowerCase().split('.').at(-1) ?? ''
}

/** Letters to insert, remove, replace or swap with their neighbour until one is the other. */
function changesBetween(from: string, to: string): number {
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = current
  }
  return at(last, to.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
