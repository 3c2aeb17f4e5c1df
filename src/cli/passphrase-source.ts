import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { bytesEqual, fromUtf8 } from '../base/bytes.ts'
import { readSecretFile, SecretFileError } from '../node/secret-file.ts'
import { askPassphrases, PassphraseError } from './passphrase.ts'
import type { Terminal } from './terminal.ts'

/** Where a passphrase comes from: never from an argument or the environment, which other users and child processes can see. */
export interface PassphraseSource {
  /** A file of this user, or a credential of systemd; a person is asked when left out. */
  readonly file: string | undefined
  /** What it opens or seals, for the question: "the keystore operator.json". */
  readonly subject: string
}

export const passphraseFileFlag = {
  type: 'string',
  describe: "File with the passphrase, or a systemd credential's path; asked for when left out",
  requiresArg: true,
} as const

/** A wallet or a backup may be copied, and then be guessed at for years. */
const NEW_CHARACTERS_MIN = 12
const BYTES_MAX = 1024

/**
 * The passphrase of what exists. The caller wipes it.
 * @throws {PassphraseError}, {SecretFileError}
 */
export async function readPassphrase({ file, subject }: PassphraseSource, terminal?: Terminal): Promise<Uint8Array> {
  if (file !== undefined) return await passphraseInFile(file)
  const [typed = new Uint8Array()] = await askPassphrases([`Passphrase of ${subject}`], terminal)
  return wellFormed(typed)
}

/**
 * The passphrase of what is to be sealed, typed twice. The caller wipes it.
 * @throws {PassphraseError}, {SecretFileError}
 */
export async function readNewPassphrase(source: PassphraseSource, terminal?: Terminal): Promise<Uint8Array> {
  return longEnough(
    source.file === undefined ? await typedTwice(source, terminal) : await passphraseInFile(source.file),
  )
}

async function typedTwice({ subject }: PassphraseSource, terminal: Terminal | undefined): Promise<Uint8Array> {
  const questions = [`New passphrase for ${subject}`, 'The same again']
  const [typed = new Uint8Array(), again = new Uint8Array()] = await askPassphrases(questions, terminal)
  const equal = bytesEqual(typed, again)
  again.fill(0)
  if (equal) return wellFormed(typed)
  typed.fill(0)
  throw new PassphraseError('PASSPHRASE_UNEQUAL', 'The two passphrases differ; nothing was written')
}

async function passphraseInFile(file: string): Promise<Uint8Array> {
  const path = resolve(file)
  const bytes = isCredential(path)
    ? await readCredential(path)
    : await readSecretFile(path, { minBytes: 1, maxBytes: BYTES_MAX })
  const passphrase = Uint8Array.from(bytes.subarray(0, lengthOfLine(bytes)))
  bytes.fill(0)
  return wellFormed(passphrase)
}

/** Without the line end that editors put there. */
function lengthOfLine(bytes: Uint8Array): number {
  const end = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length
  return end < bytes.length && bytes[end - 1] === 0x0d ? end - 1 : end
}

function isCredential(path: string): boolean {
  const folder = process.env['CREDENTIALS_DIRECTORY']
  return folder !== undefined && dirname(path) === resolve(folder)
}

/**
 * systemd keeps credentials in memory, for one service alone. They may belong to root, and their mode tells of an access list: only what
 * others could do is looked at.
 */
async function readCredential(path: string): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (cause: unknown) => {
      const message = `The service has no credential ${basename(path)}; see LoadCredential= in systemd.exec(5)`
      throw new SecretFileError('SECRET_FILE_MISSING', message, { cause })
    },
  )
  try {
    const stats = await file.stat()
    refuseOddCredential(stats, path)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

function refuseOddCredential(stats: Stats, path: string): void {
  if (!stats.isFile()) throw new SecretFileError('SECRET_FILE_NOT_REGULAR', `${path} is not a regular file`)
  if ((stats.mode & 0o027) !== 0) throw new SecretFileError('SECRET_FILE_EXPOSED', `Other users may use ${path}`)
  if (stats.size < 1 || stats.size > BYTES_MAX) {
    throw new SecretFileError('SECRET_FILE_SIZE', `${path} must have 1 to ${BYTES_MAX} bytes`)
  }
}

/** One line of text: what a person can type into another wallet. */
function wellFormed(passphrase: Uint8Array): Uint8Array {
  const text = fromUtf8(passphrase)
  if (text === undefined || text === '' || passphrase.length > BYTES_MAX || /[\0\r\n]/.test(text)) {
    passphrase.fill(0)
    throw new PassphraseError('PASSPHRASE_UNFIT', `A passphrase is one line of text (UTF-8) of 1 to ${BYTES_MAX} bytes`)
  }
  return passphrase
}

function longEnough(passphrase: Uint8Array): Uint8Array {
  if ([...(fromUtf8(passphrase) ?? '')].length >= NEW_CHARACTERS_MIN) return passphrase
  passphrase.fill(0)
  throw new PassphraseError('PASSPHRASE_UNFIT', `A new passphrase must have at least ${NEW_CHARACTERS_MIN} characters`)
}
