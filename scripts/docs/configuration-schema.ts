import { baseFlags } from '../../src/cli/config/base-flags.ts'
import { serviceNodeFlags } from '../../src/cli/options/service-node.ts'

interface SchemaFlag {
  readonly type: 'string' | 'number' | 'boolean' | 'array'
  readonly describe: string
  readonly default?: unknown
  readonly choices?: readonly string[]
  readonly min?: number
  readonly max?: number
  readonly items?: { readonly min?: number; readonly max?: number }
  readonly reloads?: true
}

type Schema = Readonly<Record<string, unknown>>

/** config/service-node.schema.json: what a configuration file may hold, nested or with dotted keys. */
export function configurationSchema(): string {
  const flags: Readonly<Record<string, SchemaFlag>> = serviceNodeFlags
  const dotted = Object.entries(flags).map(([name, flag]) => [name, schemaOf(flag)] as const)
  const nested = groupsOf(dotted)
  const preset = schemaOf(baseFlags.network)
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of a Starling service node',
    type: 'object',
    additionalProperties: false,
    properties: {
      ...Object.fromEntries(dotted),
      ...nested,
      // Both the preset's name and a group of options; a file that needs both writes the options with dots.
      network: { oneOf: [preset, nested['network']] },
    },
  }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

function groupsOf(dotted: readonly (readonly [string, Schema])[]): Readonly<Record<string, Schema>> {
  const groups = new Map<string, Record<string, Schema>>()
  for (const [name, schema] of dotted) {
    const [group = '', key] = name.split('.')
    if (key !== undefined) groups.set(group, { ...groups.get(group), [key]: schema })
  }
  const asSchema = (properties: object): Schema => ({ type: 'object', additionalProperties: false, properties })
  return Object.fromEntries([...groups].map(([name, properties]) => [name, asSchema(properties)]))
}

function schemaOf({
  type,
  describe,
  choices,
  items,
  reloads,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
  ...flag
}: SchemaFlag): Schema {
  return {
    description: describe,
    ...(type === 'number' ? { type: 'integer', minimum: min, maximum: max } : { type }),
    ...(type === 'array' && { items: { type: 'string' }, uniqueItems: true }),
    ...(items?.min !== undefined && { minItems: items.min }),
    ...(items?.max !== undefined && { maxItems: items.max }),
    // For people, and for tools that know of it: a running node takes it with SIGHUP.
    ...(reloads === true && { 'x-reloads': true }),
    ...(choices !== undefined && { enum: choices }),
    ...(flag.default !== undefined && { default: flag.default }),
  }
}
