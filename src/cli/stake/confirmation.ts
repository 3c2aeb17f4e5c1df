import { createInterface } from 'node:readline/promises'
import { CommandError } from '../command-outcome.ts'

/**
 * Has the operator type the amount, since a stake is locked for weeks. Asked on standard error, so that the result on standard
 * output stays clean.
 * @throws {CommandError} CONFIRMATION_IMPOSSIBLE without a terminal, CONFIRMATION_REFUSED for another answer
 */
export async function confirmAmount(amount: string, lines: readonly string[]): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandError(
      'CONFIRMATION_IMPOSSIBLE',
      'Nobody can be asked here: add --yes to stake without confirmation',
    )
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    process.stderr.write(`${lines.join('\n')}\n`)
    const answer = await terminal.question(`Type the amount, ${amount}, to stake it: `)
    if (answer.trim() === amount) return
  } finally {
    terminal.close()
  }
  throw new CommandError('CONFIRMATION_REFUSED', 'Not confirmed; nothing was sent')
}
