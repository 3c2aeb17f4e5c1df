import type { CommandModule } from 'yargs'
import { type SendArgs, sendFlags } from '../account/options.ts'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'

export const sendCommand: CommandModule<object, SendArgs> = {
  command: 'send [text]',
  describe: 'Send a message to an account, through three hops',
  builder: (yargs) =>
    yargs
      .positional('text', { type: 'string', describe: 'The message; read from standard input when left out' })
      .options(sendFlags)
      .example(
        '$0 send --seed https://seed.example --account alice.account --to 05… "See you at eight"',
        'Send a message',
      )
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) =>
    runCommand(args, async () => (await import('../account/send.ts')).sendMessage(args, process.stdin)),
}
