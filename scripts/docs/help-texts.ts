import { commandTree } from '../../src/cli/completion/command-tree.ts'
import { flattened } from '../../src/cli/completion/shells.ts'
import { createParser } from '../../src/cli/parser.ts'

/** One command with the words that it is called by. */
export interface CommandHelp {
  readonly words: readonly string[]
  readonly text: string
}

const WIDTH = 100

/** The help of `starling`, then that of every command, depth first. */
export async function helpTexts(): Promise<readonly CommandHelp[]> {
  return flattened(await commandTree(createParser, WIDTH)).map(({ words, help }) => ({ words, text: help }))
}
