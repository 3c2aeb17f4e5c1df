import type { Command, CommandOption } from './command-tree.ts'

/** For fish: one line for each word that can be typed. */
export function fishScript(commands: readonly Command[]): string {
  const below = commands.filter(({ words }) => words.length > 0)
  const known = below.map(({ words }) => quoted(words.join(' '))).join(' ')
  return `# Completion of starling for fish, made by \`starling completion fish\`.
function __starling_command
    set -l command
    for word in (commandline -opc)[2..-1]
        set -l longer (string join -- ' ' $command $word)
        contains -- $longer ${known}; and set command $command $word
    end
    string join -- ' ' $command
end
function __starling_at
    test (__starling_command | string collect --allow-empty) = "$argv"
end
${commands.flatMap(linesOf).join('\n')}
`
}

function linesOf({ words, commands, options, positionals }: Command): readonly string[] {
  const at = `complete -c starling -n ${quoted(`__starling_at ${words.join(' ')}`.trim())}`
  return [
    ...commands.map((one) => `${at} -f -a ${quoted(one.words.at(-1) ?? '')} -d ${quoted(one.describe)}`),
    ...positionals.flatMap(({ choices }) => choices.map((choice) => `${at} -f -a ${quoted(choice)}`)),
    ...options.map((option) => `${at} ${optionOf(option)}`),
  ]
}

function optionOf({ name, describe, takesValue, choices }: CommandOption): string {
  const value = takesValue ? ' -r' : ''
  const offered = choices.length === 0 ? '' : ` -f -a ${quoted(choices.join(' '))}`
  return `-l ${quoted(name)}${value}${offered} -d ${quoted(describe)}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
