import { createInterface } from 'node:readline/promises'
import { CommandError } from '../command-outcome.ts'
import type { Terminal } from '../terminal.ts'
import { whileAsking } from '../waiting-notice.ts'

export interface Confirmation {
  /** What is to be typed: an amount, or the beginning of a key. */
  readonly word: string
  /** "Type the amount, 25000, to stake it". */
  readonly question: string
}

/**
 * Has the operator type what is at stake, since there is no way back. Asked on standard error, so that the result on standard output
 * stays clean.
 * @throws {CommandError} CONFIRMATION_IMPOSSIBLE without a terminal, CONFIRMATION_REFUSED for another answer
 */
export async function confirmByTyping(
  { word, question }: Confirmation,
  lines: readonly string[],
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<void> {
  if (!input.isTTY || !output.isTTY) {
    throw new CommandError('CONFIRMATION_IMPOSSIBLE', 'Nobody can be asked here: add --yes to do without confirmation')
  }
  const terminal = createInterface({ input, output })
  try {
    output.write(`${lines.join('\n')}\n`)
    // An input that ends without an answer is a no; `question` alone would wait for ever.
    const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
    const answer = await whileAsking(() => Promise.race([terminal.question(`${question}: `), closed]))
    if (answer.trim() === word) return
  } finally {
    terminal.close()
  }
  throw new CommandError('CONFIRMATION_REFUSED', 'Not confirmed; nothing was sent')
}
