import type { CommandModule } from 'yargs'
import { type ReceiveArgs, receiveFlags } from '../account/options.ts'
import { type CommandOutcome, runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'

export const receiveCommand: CommandModule<object, ReceiveArgs> = {
  command: 'receive',
  describe: 'Print the messages that the network holds for an account',
  builder: (yargs) =>
    yargs
      .options(receiveFlags)
      .example('$0 receive --seed https://seed.example --account alice.account', 'Print all messages')
      .example('$0 receive --seed https://seed.example --account alice.account --follow', 'Go on until Ctrl-C')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, () => receive(args), { isLive: args.follow }),
}

async function receive(args: ReceiveArgs): Promise<CommandOutcome> {
  const { followMessages, receiveMessages } = await import('../account/receive.ts')
  if (!args.follow) return receiveMessages(args)
  const stop = new AbortController()
  const abort = () => stop.abort()
  process.once('SIGINT', abort).once('SIGTERM', abort)
  try {
    const output = {
      message: (line: string) => void process.stdout.write(`${line}\n`),
      notice: (line: string) => void process.stderr.write(`${line}\n`),
    }
    return await followMessages(args, output, stop.signal)
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort)
  }
}
