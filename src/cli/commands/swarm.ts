import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { type NodePlaceArgs, nodePlaceFlags } from '../status/options.ts'

export const swarmCommand: CommandModule<object, NodePlaceArgs> = {
  command: 'swarm',
  describe: 'Show the swarm of the running service node, and how far its members hold the same',
  builder: (yargs) =>
    yargs
      .options(nodePlaceFlags)
      .example('$0 swarm --config /etc/starling/starling.yml', 'See what is compared, fetched and handed over')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../status/swarm.ts')).showSwarm(args)),
}
