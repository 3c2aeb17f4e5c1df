/** Tells what was looked at, a line each, and ends the program with what came out. */
export class Checks {
  #failures = 0

  holds(sentence: string, isTrue: boolean, seen: unknown = ''): void {
    if (!isTrue) this.#failures++
    console.log(`${isTrue ? 'ok    ' : 'FAILED'} ${sentence}`)
    if (!isTrue) console.log(String(seen).replace(/^/gm, '         '))
  }

  equal(sentence: string, actual: unknown, wanted: unknown): void {
    this.holds(sentence, Object.is(actual, wanted), `${String(actual)} instead of ${String(wanted)}`)
  }

  get failures(): number {
    return this.#failures
  }
}
