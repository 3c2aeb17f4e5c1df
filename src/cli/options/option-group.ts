import type { Options } from 'yargs'
import type { TextForm } from './check.ts'

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
}

/** The flags of one part of the node, and how they become that part's options. */
export interface OptionGroup<Args extends Record<string, unknown>, PartOptions> {
  flags: { [Name in keyof Args]: Flag<Args[Name]> }
  parse(args: Args): PartOptions
}
