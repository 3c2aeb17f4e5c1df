import { basename, resolve } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { placeKeyFiles, readKeyFiles, wipeKeys } from '../../node/key-files.ts'
import { createSecretFile, readSecretFile, refuseExistingFile } from '../../node/secret-file.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { readNewPassphrase, readPassphrase } from '../passphrase-source.ts'
import { decodeKeyBackup, encodeKeyBackup, type KeyBackup, openKeyBackup } from './backup-document.ts'
import { keysFolderOf } from './keys-folder.ts'
import type { BackupKeysArgs, RestoreKeysArgs } from './options.ts'
import { publicKeyLines, publicKeysOf } from './public-keys.ts'

/** A backup has two kilobytes. */
const SIZE = { minBytes: 2, maxBytes: 65_536 } as const

/** Seals both keys in one file, and says so only after it was read back and opened. */
export async function backUpKeys(args: BackupKeysArgs): Promise<CommandOutcome> {
  const folder = keysFolderOf(args)
  const file = resolve(args.to)
  await refuseExistingFile(file)
  const keys = await readKeyFiles(folder)
  try {
    const passphrase = await readNewPassphrase({
      file: args['passphrase-file'],
      subject: `the backup ${basename(file)}`,
    })
    try {
      await createSecretFile(file, await encodeKeyBackup(keys, passphrase, { createdMs: systemClock.nowMs() }))
      wipeKeys(await openKeyBackup(await readBackup(file), passphrase))
    } finally {
      passphrase.fill(0)
    }
  } finally {
    wipeKeys(keys)
  }
  const shown = publicKeysOf(keys)
  return {
    result: { backedUp: true, file, folder, ...shown },
    lines: [
      `Backed up the keys of ${folder} in ${file}; the file was read back and opened.`,
      ...publicKeyLines(shown),
      'Copy it to another machine, and keep the passphrase elsewhere: both together are the node.',
    ],
  }
}

/** Puts the keys of a backup into a folder that has none, or the same. */
export async function restoreKeys(args: RestoreKeysArgs): Promise<CommandOutcome> {
  const folder = keysFolderOf(args)
  const file = resolve(args.from)
  const backup = await readBackup(file)
  const passphrase = await readPassphrase({ file: args['passphrase-file'], subject: `the backup ${basename(file)}` })
  const keys = await openKeyBackup(backup, passphrase).finally(() => passphrase.fill(0))
  try {
    const written = await placeKeyFiles(folder, keys)
    const shown = publicKeysOf(keys)
    const restored = `Restored ${written.join(' and ')} into ${folder}, from the backup of ${backup.createdAt}.`
    return {
      result: { restored: true, folder, written, createdAt: backup.createdAt, ...shown },
      lines: [
        written.length === 0 ? `${folder} held these keys already; the backup and the passphrase fit.` : restored,
        ...publicKeyLines(shown),
        'Run them in one place only: two nodes with the same keys disturb each other.',
      ],
    }
  } finally {
    wipeKeys(keys)
  }
}

async function readBackup(file: string): Promise<KeyBackup> {
  return decodeKeyBackup(await readSecretFile(file, SIZE))
}
