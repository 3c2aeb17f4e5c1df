import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { utf8 } from '../base/bytes.ts'
import { CodedError } from '../base/coded-error.ts'
import type { Terminal } from './terminal.ts'
import { whileAsking } from './waiting-notice.ts'

export type PassphraseErrorCode =
  /** A passphrase is needed, but nobody can be asked here. */
  | 'PASSPHRASE_IMPOSSIBLE'
  /** The question for the passphrase was left without an answer. */
  | 'PASSPHRASE_MISSING'
  /** The two passphrases that were typed differ. */
  | 'PASSPHRASE_UNEQUAL'
  /** The passphrase is empty, too short for a new one, too long, or no text of one line. */
  | 'PASSPHRASE_UNFIT'

/** The message never contains the passphrase. */
export class PassphraseError extends CodedError<PassphraseErrorCode> {}

/**
 * Has a person type passphrases without showing them, one for each question. Asked on standard error, so that the result on standard
 * output stays clean. The caller wipes them.
 * @throws {PassphraseError} PASSPHRASE_IMPOSSIBLE, PASSPHRASE_MISSING
 */
export async function askPassphrases(
  questions: readonly string[],
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<readonly Uint8Array[]> {
  if (!input.isTTY || !output.isTTY) {
    throw new PassphraseError('PASSPHRASE_IMPOSSIBLE', 'Nobody can be asked here: add --passphrase-file FILE')
  }
  // As a terminal it takes each key itself, so the system shows none; what it would show instead goes nowhere.
  const reader = createInterface({ input, output: nowhere(), terminal: true, historySize: 0 })
  const closed = new Promise<undefined>((resolve) => reader.once('close', () => resolve(undefined)))
  const answers: Uint8Array[] = []
  try {
    for (const question of questions) {
      output.write(`${question}: `)
      const answer = await whileAsking(() => Promise.race([reader.question('').catch(() => undefined), closed]))
      output.write('\n')
      if (answer === undefined) throw new PassphraseError('PASSPHRASE_MISSING', 'No passphrase was given')
      answers.push(utf8(answer))
    }
    return answers
  } catch (error) {
    for (const answer of answers) answer.fill(0)
    throw error
  } finally {
    reader.close()
  }
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() })
}
