import yargs, { type Argv } from 'yargs'
import { keysCommand } from '../../../src/cli/commands/keys.ts'
import { stakeCommand } from '../../../src/cli/commands/stake.ts'

/** Only the commands under test, so that a fault elsewhere does not show here. */
export function createStakeParser(words: readonly string[]): Argv {
  return yargs([...words])
    .scriptName('starling')
    .parserConfiguration({ 'dot-notation': false, 'parse-positional-numbers': false })
    .command(keysCommand)
    .command(stakeCommand)
    .demandCommand(1)
    .strict()
}
