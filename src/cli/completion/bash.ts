import type { Command, CommandOption } from './command-tree.ts'

/** For bash, which falls back to the names of files where nothing is offered. */
export function bashScript(commands: readonly Command[]): string {
  const below = commands.filter(({ words }) => words.length > 0)
  return `# Completion of starling for bash, made by \`starling completion bash\`.
_starling() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command= word offered=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command/$word" in
    ${below.map(({ words }) => quoted(`${words.slice(0, -1).join(' ')}/${words.at(-1)}`)).join(' | ')})
      command="\${command:+$command }$word" ;;
    esac
  done
  case "$command $previous" in
${commands.flatMap((command) => command.options.flatMap((option) => valueCase(command, option))).join('\n')}
  ${commands.flatMap(freeValues).join(' | ')}) COMPREPLY=(); return ;;
  esac
  case "$command" in
${commands.map((command) => `  ${quoted(command.words.join(' '))}) offered=${quoted(offeredBy(command))} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$current"))
}
complete -o default -F _starling starling
`
}

/** Commands alone while there are some, since all flags of those above them are below them, too. */
function offeredBy({ commands, options, positionals }: Command): string {
  const names = commands.map(({ words }) => words.at(-1) ?? '')
  const choices = positionals.flatMap((positional) => positional.choices)
  return [...names, ...choices, ...options.map(({ name }) => `--${name}`)].join(' ')
}

function valueCase({ words }: Command, { name, choices }: CommandOption): readonly string[] {
  if (choices.length === 0) return []
  const offered = quoted(choices.join(' '))
  return [`  ${quoted(`${words.join(' ')} --${name}`)}) COMPREPLY=($(compgen -W ${offered} -- "$current")); return ;;`]
}

/** Where only whoever types knows, or the names of files. */
export function freeValues({ words, options }: Command): readonly string[] {
  const free = options.filter(({ takesValue, choices }) => takesValue && choices.length === 0)
  return free.map(({ name }) => quoted(`${words.join(' ')} --${name}`))
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
