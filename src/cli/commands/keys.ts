import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { jsonFlag, type KeysArgs, keysFolderFlag } from '../keys/options.ts'

const flags = { 'keys-folder': keysFolderFlag, json: jsonFlag } as const

const createCommand: CommandModule<object, KeysArgs> = {
  command: 'create',
  describe: "Create a service node's keys; never overwrites any",
  builder: (yargs) =>
    yargs
      .options(flags)
      .example('$0 keys create --keys-folder /var/lib/starling/keys', 'Make the keys of a new node')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../keys/keys.ts')).createKeys(args)),
}

const showCommand: CommandModule<object, KeysArgs> = {
  command: 'show',
  describe: "Show a service node's public keys",
  builder: (yargs) =>
    yargs.options(flags).example('$0 keys show --json', 'Public keys, for scripts').epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../keys/keys.ts')).showKeys(args)),
}

export const keysCommand: CommandModule = {
  command: 'keys <command>',
  describe: "This service node's keys",
  builder: (yargs) =>
    yargs.command(createCommand).command(showCommand).demandCommand(1).strict().epilogue(EXIT_CODES_TEXT),
  handler: () => {},
}
