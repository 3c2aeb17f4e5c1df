import type { CommandModule } from 'yargs'
import { type BackupArgs, backupFlags, type RestoreArgs, restoreFlags } from '../backup/options.ts'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'

export const backupCommand: CommandModule<object, BackupArgs> = {
  command: 'backup',
  describe: 'Back up the messages of this service node, running or stopped, into a new folder',
  builder: (yargs) =>
    yargs
      .options(backupFlags)
      .example(
        '$0 backup --config /etc/starling/starling.yml --to /var/backups/starling/monday',
        'Back up; keys are apart',
      )
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../backup/backup.ts')).backUp(args)),
}

export const restoreCommand: CommandModule<object, RestoreArgs> = {
  command: 'restore',
  describe: 'Put the messages of a backup into the data folder of a stopped node that has none',
  builder: (yargs) =>
    yargs
      .options(restoreFlags)
      .example(
        '$0 restore --config /etc/starling/starling.yml --from /var/backups/starling/monday',
        'Restore on a new disk',
      )
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../backup/restore.ts')).restore(args)),
}
