import { createInterface } from 'node:readline/promises'
import { CommandError } from '../command-outcome.ts'
import type { Terminal } from '../terminal.ts'
import { whileAsking } from '../waiting-notice.ts'

/** One thing that only the operator knows. */
export interface Question {
  readonly text: string
  /** Taken for an answer that is empty. */
  readonly byDefault: string | undefined
  /** Why this cannot be the answer; undefined when it can. */
  readonly refusal: (answer: string) => string | undefined
}

/** Asks one question after another. */
export interface Questioner extends Disposable {
  ask(question: Question): Promise<string>
}

/** Whoever has not found it by then looks it up first. */
const TRIES_MAX = 5

/** Asks on standard error, so that the result on standard output stays clean. Undefined where nobody sits. */
export function openQuestions(
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Questioner | undefined {
  if (!input.isTTY || !output.isTTY) return undefined
  const terminal = createInterface({ input, output })
  // An input that ends without an answer answers nothing more; `question` alone would wait for ever.
  const closed = new Promise<undefined>((resolve) => terminal.once('close', () => resolve(undefined)))
  return {
    async ask({ text, byDefault, refusal }) {
      const shown = byDefault === undefined ? `${text}: ` : `${text} [${byDefault}]: `
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const typed = await whileAsking(() => Promise.race([terminal.question(shown).catch(() => undefined), closed]))
        if (typed === undefined) break
        const answer = typed.trim() === '' && byDefault !== undefined ? byDefault : typed.trim()
        const reason = refusal(answer)
        if (reason === undefined) return answer
        output.write(`  ${reason}\n`)
      }
      throw new CommandError('CONFIRMATION_REFUSED', 'A question was left without an answer; nothing was written')
    },
    [Symbol.dispose]: () => terminal.close(),
  }
}

/** What a script should give instead. */
export function nobodyThere(missing: readonly string[]): CommandError {
  const flags = missing.map((name) => `--${name}`).join(', ')
  return new CommandError('CONFIRMATION_IMPOSSIBLE', `Nobody can be asked here: add ${flags}`)
}
