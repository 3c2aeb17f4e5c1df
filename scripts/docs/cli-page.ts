import { baseFlags } from '../../src/cli/config/base-flags.ts'
import { environmentName } from '../../src/cli/environment.ts'
import { EXIT, EXIT_MEANINGS } from '../../src/cli/exit-codes.ts'
import { serviceNodeFlagGroups } from '../../src/cli/options/service-node.ts'
import { helpTexts } from './help-texts.ts'
import { code, generatedNote, table } from './markdown.ts'

/** docs/cli.md: every command, option and exit code. */
export async function cliPage(): Promise<string> {
  const [top, ...commands] = await helpTexts()
  return `${[
    '# The command line',
    generatedNote('src/cli'),
    block(top?.text ?? ''),
    '## Exit codes',
    'The same for every command. A command that a signal ends before it could stop in order has 128 and the number of the signal.',
    exitCodes(),
    '## For scripts',
    'With `--json`, standard output is one JSON document in one line: the result, or `{"error": {"code", "message", "details"}}`. What is said to people about a failure goes to standard error, with or without `--json`. Only `receive --follow` prints more: one line for each message as it comes, and a last one when it is stopped. The codes are in [errors.md](errors.md).',
    '## Options of a service node',
    OPTIONS,
    ...Object.entries(serviceNodeFlagGroups).map(([name, flags]) => `### ${name}\n\n${options(flags)}`),
    '### Where the rest comes from',
    options(baseFlags),
    ...commands.map(({ words, text }) => `## starling ${words.join(' ')}\n\n${block(text)}`),
  ].join('\n\n')}\n`
}

const OPTIONS = `[configuration.md](configuration.md) tells how they are given, checked, shown and changed while a node runs. A value comes from the first of: flag, environment, configuration file, network preset, default. Without \`--config\` and \`STARLING_CONFIG\`, every command takes \`/etc/starling/starling.yml\` if it exists and [no flag or variable means another node](configuration.md#which-configuration). In the file, \`metrics: {port: 9100}\` and
\`metrics.port: 9100\` are the same; lists are lists. In the environment, commas divide a list. Unknown flags, keys and variables that begin
with \`STARLING_\` are refused, so that a typing error does not go unnoticed (in Kubernetes, switch \`enableServiceLinks\` off: it makes such
variables up). [service-node.example.yml](../config/service-node.example.yml) has every option, and
[service-node.schema.json](../config/service-node.schema.json) lets an editor check the file.`

function exitCodes(): string {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[]
  return table(
    ['code', 'name', 'means'],
    names.map((name) => [String(EXIT[name]), name, EXIT_MEANINGS[name]]),
  )
}

interface AnyFlag {
  readonly describe: string
  readonly default?: unknown
  readonly choices?: readonly string[]
  readonly reloads?: true
}

function options(flags: Readonly<Record<string, AnyFlag>>): string {
  return table(
    ['flag and key', 'environment', 'default', 'reloads', 'meaning'],
    Object.entries(flags).map(([name, { describe, ...flag }]) => [
      code(name),
      code(environmentName(name)),
      defaultOf(flag.default),
      flag.reloads === true ? 'yes' : '',
      flag.choices === undefined ? describe : `${describe}: ${flag.choices.join(', ')}`,
    ]),
  )
}

function defaultOf(value: unknown): string {
  if (value === undefined) return ''
  return value === '' || (Array.isArray(value) && value.length === 0) ? 'none' : code(String(value))
}

function block(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\``
}
