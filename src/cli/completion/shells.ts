import { bashScript } from './bash.ts'
import { type Command, type CreateParser, commandTree } from './command-tree.ts'
import { fishScript } from './fish.ts'
import { zshScript } from './zsh.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/** Nobody reads it there. */
const HELP_WIDTH = 80

/** A script that completes commands, flags and their values, without a process of its own at each key. */
export async function completionScript(shell: Shell, createParser: CreateParser): Promise<string> {
  return SCRIPTS[shell](flattened(await commandTree(createParser, HELP_WIDTH)))
}

/** Every command, `starling` itself first. */
export function flattened(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(flattened)]
}
