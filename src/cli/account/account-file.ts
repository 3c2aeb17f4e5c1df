import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { type Account, accountFromSeed, ClientError, generateAccountSeed } from '../../client/index.ts'
import { createSecretFile, readSecretFile } from '../../node/secret-file.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import type { AccountFileArgs } from './options.ts'

// An account file is the seed: 64 hex digits and the end of the line.
const SIZE = { minBytes: 64, maxBytes: 65 }

/** Makes a new account, and a file that only this user can read. Never overwrites one. */
export async function createAccount({ file }: AccountFileArgs): Promise<CommandOutcome> {
  const seed = generateAccountSeed()
  const { id } = accountFromSeed(seed)
  await createSecretFile(file, utf8(`${seed}\n`))
  return {
    result: { created: true, file, accountId: id },
    lines: [
      `Created an account in ${file}. Its id, for others to write to:`,
      id,
      'Keep a copy of the file: without it the account cannot be had back, and whoever has it is the account.',
    ],
  }
}

export async function showAccount({ file }: AccountFileArgs): Promise<CommandOutcome> {
  const { id } = await readAccount(file)
  return { result: { file, accountId: id }, lines: [id] }
}

/** @throws {SecretFileError}, {ClientError} ACCOUNT_INVALID */
export async function readAccount(file: string): Promise<Account> {
  const text = fromUtf8(await readSecretFile(file, SIZE)) ?? ''
  try {
    return accountFromSeed(text.trimEnd())
  } catch (cause) {
    if (!(cause instanceof ClientError)) throw cause
    throw new ClientError('ACCOUNT_INVALID', `${file} is no account file: it must hold 64 hex digits`, { cause })
  }
}
