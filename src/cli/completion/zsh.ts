import { freeValues, quoted } from './bash.ts'
import type { Command, CommandOption } from './command-tree.ts'

/** For zsh, which shows what each word means. */
export function zshScript(commands: readonly Command[]): string {
  const below = commands.filter(({ words }) => words.length > 0)
  return `#compdef starling
# Completion of starling for zsh, made by \`starling completion zsh\`.
_starling() {
  local command='' word
  local -a offered
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$command/$word" in
    ${below.map(({ words }) => quoted(`${words.slice(0, -1).join(' ')}/${words.at(-1)}`)).join(' | ')})
      command="\${command:+$command }$word" ;;
    esac
  done
  case "$command \${words[CURRENT-1]}" in
${commands.flatMap((command) => command.options.flatMap((option) => valueCase(command, option))).join('\n')}
  ${commands.flatMap(freeValues).join(' | ')}) _files; return ;;
  esac
  case "$command" in
${commands.map((command) => `  ${quoted(command.words.join(' '))}) offered=(${offeredBy(command)}) ;;`).join('\n')}
  esac
  _describe starling offered || _files
}
# Found in fpath, this file is the function itself.
if [[ \${funcstack[1]} == _starling ]]; then _starling "$@"; else compdef _starling starling; fi
`
}

function offeredBy({ commands, options, positionals }: Command): string {
  const entries = [
    ...commands.map(({ words, describe }) => [words.at(-1) ?? '', describe] as const),
    ...positionals.flatMap(({ choices }) => choices.map((choice) => [choice, ''] as const)),
    ...options.map(({ name, describe }) => [`--${name}`, describe] as const),
  ]
  return entries.map(([word, describe]) => quoted(`${word.replaceAll(':', '\\:')}:${describe}`)).join(' ')
}

function valueCase({ words }: Command, { name, choices }: CommandOption): readonly string[] {
  if (choices.length === 0) return []
  return [`  ${quoted(`${words.join(' ')} --${name}`)}) compadd -- ${choices.map(quoted).join(' ')}; return ;;`]
}
