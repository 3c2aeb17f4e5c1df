import type { Argv, CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { baseFlags } from '../config/base-flags.ts'
import { sourceOf, withServiceNodeFlags } from '../config/flags.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { INIT_ANSWERS, type InitArgs, initFlags } from '../init/options.ts'
import { jsonFlag } from '../keys/options.ts'

export const initCommand: CommandModule<object, InitArgs> = {
  command: 'init',
  describe: 'Set up a service node: write its configuration, make its folders and keys, and say what to type next',
  builder: (yargs) =>
    withServiceNodeFlags(yargs, INIT_ANSWERS, { type: 'string', describe: baseFlags.network.describe })
      .options({ ...initFlags, json: jsonFlag })
      .example('$0 init', 'Answer five questions at most; run again, it keeps what is there')
      .example(
        '$0 init --non-interactive --network testnet --publicIp 192.0.2.7 --staking.contract 0x… --staking.rpcUrls https://one.example https://two.example',
        'For scripts',
      )
      .epilogue('Any other flag of `starling run` is taken, too, and written down.')
      .epilogue(EXIT_CODES_TEXT) as Argv<InitArgs>,
  handler: (args) =>
    runCommand(args, async () => (await import('../init/init.ts')).initialize(args, sourceOf({ ...args }))),
}
