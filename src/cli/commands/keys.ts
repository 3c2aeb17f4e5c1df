import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import {
  type BackupKeysArgs,
  backupKeysFlags,
  type ImportKeysArgs,
  importKeysFlags,
  type KeysArgs,
  keysFlags,
  type RestoreKeysArgs,
  restoreKeysFlags,
} from '../keys/options.ts'

const createCommand: CommandModule<object, KeysArgs> = {
  command: 'create',
  describe: "Create a service node's keys; never overwrites any",
  builder: (yargs) =>
    yargs
      .options(keysFlags)
      .example('$0 keys create --keys-folder /var/lib/starling/keys', 'Make the keys of a new node')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../keys/keys.ts')).createKeys(args)),
}

const showCommand: CommandModule<object, KeysArgs> = {
  command: 'show',
  describe: "Show a service node's public keys",
  builder: (yargs) =>
    yargs.options(keysFlags).example('$0 keys show --json', 'Public keys, for scripts').epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../keys/keys.ts')).showKeys(args)),
}

const importCommand: CommandModule<object, ImportKeysArgs> = {
  command: 'import',
  describe: "Copy an existing node's keys after checking them; never overwrites others",
  builder: (yargs) =>
    yargs
      .options(importKeysFlags)
      .example(
        '$0 keys import --from /var/lib/oxen --keys-folder /var/lib/starling/keys',
        'Go on as a node that exists',
      )
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../keys/import.ts')).importKeys(args)),
}

const backupCommand: CommandModule<object, BackupKeysArgs> = {
  command: 'backup',
  describe: 'Seal both keys with a passphrase in one new file, and see that it opens',
  builder: (yargs) =>
    yargs
      .options(backupKeysFlags)
      .example('$0 keys backup --to node.backup', 'Back up; asks for a new passphrase')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../keys/backup.ts')).backUpKeys(args)),
}

const restoreCommand: CommandModule<object, RestoreKeysArgs> = {
  command: 'restore',
  describe: 'Put the keys of a backup into a folder that has none, or the same',
  builder: (yargs) =>
    yargs
      .options(restoreKeysFlags)
      .example('$0 keys restore --from node.backup --keys-folder /var/lib/starling/keys', 'Restore on a new machine')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../keys/backup.ts')).restoreKeys(args)),
}

export const keysCommand: CommandModule = {
  command: 'keys <command>',
  describe: "This service node's keys",
  builder: (yargs) =>
    yargs
      .command(createCommand)
      .command(showCommand)
      .command(importCommand)
      .command(backupCommand)
      .command(restoreCommand)
      .demandCommand(1)
      .strict()
      .example('$0 keys show', 'See which node this is')
      .epilogue(EXIT_CODES_TEXT),
  handler: () => {},
}
