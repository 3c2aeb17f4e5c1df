import { createParser } from '../../src/cli/parser.ts'

/** One command with the words that it is called by. */
export interface CommandHelp {
  readonly words: readonly string[]
  readonly text: string
}

const WIDTH = 100

/** The help of `starling`, then that of every command, depth first. */
export async function helpTexts(words: readonly string[] = []): Promise<readonly CommandHelp[]> {
  const text = await helpOf(words)
  const inner = await Promise.all(commandsOf(words, text).map((command) => helpTexts([...words, command])))
  return [{ words, text }, ...inner.flat()]
}

async function helpOf(words: readonly string[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const parser = await createParser(words)
  await parser.wrap(WIDTH).parse([...words, '--help'], {}, (_error, _args, output) => resolve(output))
  return promise
}

function commandsOf(words: readonly string[], text: string): readonly string[] {
  const list = /^Commands:\n((?: {2}.*\n)+)/m.exec(text)?.[1] ?? ''
  const start = ['starling', ...words].join(' ')
  return [...list.matchAll(new RegExp(`^ {2}${start} ([a-z]+)`, 'gm'))].map((match) => match[1] ?? '')
}
