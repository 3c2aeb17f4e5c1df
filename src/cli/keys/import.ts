import { dirname, join, resolve } from 'node:path'
import {
  BLS_KEY_FILE,
  ED25519_KEY_FILE,
  missingKeyFiles,
  placeKeyFiles,
  readBlsKeyFile,
  readEd25519KeyFile,
  type ServiceNodeKeys,
  wipeKeys,
} from '../../node/key-files.ts'
import { quoted, SecretFileError } from '../../node/secret-file.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { OptionsError } from '../options/check.ts'
import { keysFolderOf } from './keys-folder.ts'
import type { ImportKeysArgs } from './options.ts'
import { knownPublicKeys, publicKeyLines } from './public-keys.ts'

/** Copies an existing node's keys, after the checks that starting with them makes. The old files stay as they are. */
export async function importKeys(args: ImportKeysArgs): Promise<CommandOutcome> {
  const folder = keysFolderOf(args)
  const keys = await readSources(sourcesOf(args))
  try {
    const written = await placeKeyFiles(folder, keys)
    const missing = await missingKeyFiles(folder)
    const shown = knownPublicKeys(keys)
    return {
      result: { imported: true, folder, written, missing, ...shown },
      lines: [
        written.length === 0
          ? `${folder} held these keys already.`
          : `Imported ${written.join(' and ')} into ${folder}.`,
        'A node that is started with them is, to the network and the contract:',
        ...publicKeyLines(shown),
        ...missing.map((name) => `Still missing there, and needed: ${name}.`),
        'Next: starling keys backup --to FILE; then see what the contract knows of it: starling stake status',
      ],
    }
  } finally {
    wipeKeys(keys)
  }
}

interface KeySources {
  readonly ed25519: string | undefined
  readonly bls: string | undefined
}

function sourcesOf({ from, 'ed25519-file': ed25519, 'bls-file': bls }: ImportKeysArgs): KeySources {
  if (from !== undefined) {
    return { ed25519: join(resolve(from), ED25519_KEY_FILE), bls: join(resolve(from), BLS_KEY_FILE) }
  }
  if (ed25519 === undefined && bls === undefined) {
    throw new OptionsError('OPTION_INVALID', 'What is to be imported? Give --from FOLDER, --ed25519-file or --bls-file')
  }
  return {
    ed25519: ed25519 === undefined ? undefined : resolve(ed25519),
    bls: bls === undefined ? undefined : resolve(bls),
  }
}

async function readSources({ ed25519, bls }: KeySources): Promise<Partial<ServiceNodeKeys>> {
  const keys: { -readonly [Name in keyof ServiceNodeKeys]?: ServiceNodeKeys[Name] } = {}
  if (ed25519 !== undefined) keys.ed25519 = await told(readEd25519KeyFile(ed25519), ed25519)
  if (bls !== undefined) keys.bls = await told(readBlsKeyFile(bls), bls)
  return keys
}

/** What would let the existing node no longer read its own files is not advised: a copy is. */
const OF_THE_OTHER_NODE = new Set(['SECRET_FILE_OWNER', 'SECRET_FOLDER_EXPOSED', 'SECRET_FILE_NOT_REGULAR'])

async function told<T>(reading: Promise<T>, path: string): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if (!(error instanceof SecretFileError) || !OF_THE_OTHER_NODE.has(error.code)) throw error
    const copy = `install -d -m 700 keys-copy && install -m 600 ${quoted(path)} keys-copy/`
    const message = `${path} is not read where it is: it belongs to another user, is linked, or ${dirname(path)} is open to others; run, as a user who may: ${copy}`
    throw new SecretFileError(error.code, message)
  }
}
