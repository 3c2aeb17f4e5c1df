import { CodedError } from '../../base/coded-error.ts'

export type MessageCommandErrorCode =
  /** The recipient is not an account id. */
  | 'RECIPIENT_MALFORMED'
  /** There is no text to send. */
  | 'TEXT_MISSING'
  /** The text to send is not UTF-8. */
  | 'TEXT_MALFORMED'
  /** A number is out of its range. */
  | 'NUMBER_OUT_OF_RANGE'

/** What the user typed cannot be done. The message says what to type instead. */
export class MessageCommandError extends CodedError<MessageCommandErrorCode> {}

/** Refuses numbers outside of a range; yargs only checks that they are numbers. */
export function refuseOutOfRange(flag: string, value: number, { min, max }: { min: number; max: number }): void {
  if (Number.isFinite(value) && value >= min && value <= max) return
  throw new MessageCommandError('NUMBER_OUT_OF_RANGE', `--${flag} must be a number from ${min} to ${max}`)
}
