import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { keysCommand } from '../../../src/cli/commands/keys.ts'
import { stakeCommand } from '../../../src/cli/commands/stake.ts'

// Only the commands under test, so that a fault elsewhere does not show here.
await yargs(hideBin(process.argv))
  .scriptName('starling')
  .parserConfiguration({ 'dot-notation': false })
  .command(keysCommand)
  .command(stakeCommand)
  .demandCommand(1)
  .strict()
  .parseAsync()
