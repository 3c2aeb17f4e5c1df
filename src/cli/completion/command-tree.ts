import type { Argv } from 'yargs'

/** Makes a parser that knows the command which these words call; all commands for none. */
export type CreateParser = (words: readonly string[]) => Promise<Argv>

/** What can be typed after a command. */
export interface CommandOption {
  readonly name: string
  readonly describe: string
  /** A switch takes none. */
  readonly takesValue: boolean
  readonly choices: readonly string[]
  readonly isRequired: boolean
}

/** One command, with those below it. */
export interface Command {
  /** Those that it is called by, such as `keys create`; none for `starling` itself. */
  readonly words: readonly string[]
  /** With what follows the words, such as `send [text]`. */
  readonly usage: string
  readonly describe: string
  readonly positionals: readonly CommandOption[]
  /** Without hidden ones. */
  readonly options: readonly CommandOption[]
  readonly commands: readonly Command[]
  /** As `--help` prints it. */
  readonly help: string
}

/** What of yargs' own account of a command its types leave out. */
interface YargsState {
  getOptions(): {
    readonly key: Readonly<Record<string, boolean>>
    readonly boolean: readonly string[]
    readonly array: readonly string[]
    readonly string: readonly string[]
    readonly number: readonly string[]
    readonly choices: Readonly<Record<string, readonly string[]>>
    readonly hiddenOptions: readonly string[]
    readonly alias: Readonly<Record<string, readonly string[]>>
  }
  getDemandedOptions(): Readonly<Record<string, unknown>>
  getGroups(): Readonly<Record<string, readonly string[]>>
  getInternalMethods(): {
    getUsageInstance(): {
      getCommands(): readonly (readonly [usage: string, describe: string])[]
      getDescriptions(): Readonly<Record<string, string | undefined>>
    }
  }
}

/** All commands as the parser knows them: nothing is listed a second time. */
export async function commandTree(createParser: CreateParser, helpWidth: number): Promise<Command> {
  const describe = 'A staked service node for private messaging'
  return await commandAt([], { usage: '', describe, helpWidth, createParser })
}

async function commandAt(
  words: readonly string[],
  about: {
    readonly usage: string
    readonly describe: string
    readonly helpWidth: number
    readonly createParser: CreateParser
  },
): Promise<Command> {
  const { helpWidth, usage, describe, createParser } = about
  const { help, state } = await stateAt(await createParser(words), words, helpWidth)
  const commands: Command[] = []
  for (const [below, said] of state.commands) {
    const [name = ''] = below.split(' ')
    commands.push(
      await commandAt([...words, name], {
        helpWidth,
        createParser,
        usage: [...words, below].join(' '),
        describe: said,
      }),
    )
  }
  return { words, usage, describe, positionals: state.positionals, options: state.options, commands, help }
}

/** What yargs has come to know once it has read these words: it tells the help right then. */
async function stateAt(parser: Argv, words: readonly string[], width: number) {
  let found: ReturnType<typeof readState> | undefined
  let help = ''
  await parser.wrap(width).parse([...words, '--help'], {}, (_error, _args, output) => {
    help = output
    found = readState(parser)
  })
  if (found === undefined) throw new Error(`There is no help of ${words.join(' ')}`)
  return { help, state: found }
}

function readState(parser: Argv) {
  const state = parser as Argv & YargsState
  const { key, hiddenOptions, alias } = state.getOptions()
  const usage = state.getInternalMethods().getUsageInstance()
  const positionals = state.getGroups()['Positionals:'] ?? []
  // Aliases, and names with dashes in camel case, stand for others.
  const others = new Set(Object.values(alias).flat())
  const names = Object.keys(key).filter((name) => !hiddenOptions.includes(name) && !others.has(name))
  const describe = (name: string) => (usage.getDescriptions()[name] ?? '').replace('__yargsString__:', '')
  const option = (name: string): CommandOption => ({
    name,
    describe: describe(name),
    ...takenValue(state.getOptions(), name),
    isRequired: name in state.getDemandedOptions(),
  })
  return {
    commands: usage.getCommands().map(([text, said]) => [text, said] as const),
    positionals: positionals.map(option),
    options: names.filter((name) => !positionals.includes(name)).map(option),
  }
}

function takenValue({ boolean, string, number, array, choices }: ReturnType<YargsState['getOptions']>, name: string) {
  const isTyped = [...string, ...number, ...array].includes(name)
  const offered = choices[name] ?? []
  return { takesValue: !boolean.includes(name) && (isTyped || offered.length > 0), choices: offered }
}
