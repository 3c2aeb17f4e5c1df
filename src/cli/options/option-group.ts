import type { Options } from 'yargs'
import type { ListForm, TextForm } from './check.ts'

type YargsType<T> = T extends readonly unknown[]
  ? 'array'
  : T extends string
    ? 'string'
    : T extends number
      ? 'number'
      : T extends boolean
        ? 'boolean'
        : never

/** One flag: its type must be its argument's, and it must have help text. Without a default it is required. */
export type Flag<T> = Omit<Options, 'type' | 'default' | 'describe' | 'choices' | 'coerce'> & {
  type: YargsType<T>
  describe: string
  default?: T
  choices?: [T] extends [string] ? readonly T[] : never
  /** Numbers outside are refused. Whole numbers only. */
  min?: number
  max?: number
  /** Texts of another form are refused. */
  form?: [T] extends [string] ? TextForm : never
  /** Lists with other texts in them are refused. */
  items?: [T] extends [readonly string[]] ? ListForm : never
  /** Its values are not shown: they may hold keys. */
  isSecret?: boolean
  /** A running node takes a new value with SIGHUP; a change of any other option needs a restart. */
  reloads?: true
}

/** The flags of one part of the node, and how they become that part's options. */
export interface OptionGroup<Args extends Record<string, unknown>, PartOptions> {
  flags: { [Name in keyof Args]: Flag<Args[Name]> }
  parse(args: Args): PartOptions
}
