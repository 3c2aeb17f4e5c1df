import type { Argv, Options } from 'yargs'
import { serviceNodeFlagGroups, serviceNodeFlags } from '../options/service-node.ts'
import { baseFlags } from './base-flags.ts'
import type { ConfigurationSource } from './configuration.ts'
import { surroundings } from './configuration-file.ts'

interface TableFlag {
  readonly type: 'string' | 'number' | 'boolean' | 'array'
  readonly describe: string
  readonly default?: unknown
  readonly defaultDescription?: string | undefined
  readonly choices?: readonly string[]
}

/** Makes flags of all options of a service node. Those that are not to be shown are taken all the same. */
export function withServiceNodeFlags(
  parser: Argv<object>,
  shown: 'all' | readonly string[],
  network: TableFlag = baseFlags.network,
): Argv<object> {
  const isShown = (name: string) => shown === 'all' || shown.includes(name)
  const base = parser.options({
    config: yargsFlag(baseFlags.config, false),
    network: yargsFlag(network, false),
  })
  return Object.entries(serviceNodeFlagGroups).reduce<Argv<object>>((all, [name, flags]) => {
    const options = Object.entries(flags).map(([flag, table]) => [flag, yargsFlag(table, !isShown(flag))] as const)
    const added = all.options(Object.fromEntries(options))
    return shown === 'all' ? added.group(Object.keys(flags), `${name}:`) : added
  }, base)
}

/** What was typed, and what is around. */
export function sourceOf(args: Readonly<Record<string, unknown>>): ConfigurationSource {
  const names = [...Object.keys(baseFlags), ...Object.keys(serviceNodeFlags)]
  const flags = Object.fromEntries(names.map((name) => [name, args[name]]))
  return { flags, ...surroundings() }
}

/**
 * Without the default, which would hide the layers below: it is only told. A switch has no type here, for yargs takes whatever is not
 * "true" for false, silently.
 */
function yargsFlag({ type, describe, choices, ...flag }: TableFlag, hidden: boolean): Options {
  return {
    describe,
    hidden,
    ...(type === 'boolean' ? {} : { type }),
    ...(choices === undefined ? {} : { choices }),
    ...(flag.default === undefined
      ? {}
      : { defaultDescription: flag.defaultDescription ?? shownDefault(flag.default) }),
  }
}

function shownDefault(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}
