import { createKeyFiles, readKeyFiles, wipeKeys } from '../../node/key-files.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { keysFolderOf } from './keys-folder.ts'
import type { KeysArgs } from './options.ts'
import { publicKeyLines, publicKeysOf } from './public-keys.ts'

export async function createKeys(args: KeysArgs): Promise<CommandOutcome> {
  const folder = keysFolderOf(args)
  const keys = await createKeyFiles(folder)
  wipeKeys(keys)
  const shown = publicKeysOf(keys)
  return {
    result: { created: true, folder, ...shown },
    lines: [
      `Created the keys of a service node in ${folder}.`,
      ...publicKeyLines(shown),
      'Back them up now: without them a registered node cannot be run, and they cannot be replaced.',
      'Next: starling keys backup --to FILE, then starling stake register',
    ],
  }
}

export async function showKeys(args: KeysArgs): Promise<CommandOutcome> {
  const folder = keysFolderOf(args)
  const keys = await readKeyFiles(folder)
  wipeKeys(keys)
  const shown = publicKeysOf(keys)
  return { result: { folder, ...shown }, lines: [`Keys in ${folder}:`, ...publicKeyLines(shown)] }
}
