import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { type PeersArgs, peersFlags } from '../status/options.ts'

export const peersCommand: CommandModule<object, PeersArgs> = {
  command: 'peers',
  describe: 'List the other service nodes that the running one knows, those of its swarm first',
  builder: (yargs) =>
    yargs
      .options(peersFlags)
      .example('$0 peers --config /etc/starling/starling.yml', 'See who is reached, and how fast')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../status/peers.ts')).showPeers(args)),
}
