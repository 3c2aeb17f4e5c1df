import yargs, { type Argv } from 'yargs'
import { VERSION_TEXT } from '../node/version.ts'
import { EXIT_CODES_TEXT } from './exit-codes.ts'

/** By first word, in the order of `--help`. Each is loaded when it is called, and imports what it needs when it runs. */
const COMMANDS: Readonly<Record<string, (parser: Argv) => Promise<Argv>>> = {
  init: async (parser) => parser.command((await import('./commands/init.ts')).initCommand),
  config: async (parser) => parser.command((await import('./commands/config.ts')).configCommand),
  run: async (parser) => parser.command((await import('./commands/run.ts')).runCommand),
  status: async (parser) => parser.command((await import('./commands/status.ts')).statusCommand),
  doctor: async (parser) => parser.command((await import('./commands/doctor.ts')).doctorCommand),
  peers: async (parser) => parser.command((await import('./commands/peers.ts')).peersCommand),
  swarm: async (parser) => parser.command((await import('./commands/swarm.ts')).swarmCommand),
  top: async (parser) => parser.command((await import('./commands/top.ts')).topCommand),
  keys: async (parser) => parser.command((await import('./commands/keys.ts')).keysCommand),
  backup: async (parser) => parser.command((await import('./commands/backup.ts')).backupCommand),
  restore: async (parser) => parser.command((await import('./commands/backup.ts')).restoreCommand),
  log: async (parser) => parser.command((await import('./commands/log.ts')).logCommand),
  wallet: async (parser) => parser.command((await import('./commands/wallet.ts')).walletCommand),
  stake: async (parser) => parser.command((await import('./commands/stake.ts')).stakeCommand),
  account: async (parser) => parser.command((await import('./commands/account.ts')).accountCommand),
  send: async (parser) => parser.command((await import('./commands/send.ts')).sendCommand),
  receive: async (parser) => parser.command((await import('./commands/receive.ts')).receiveCommand),
  completion: async (parser) =>
    parser.command((await import('./commands/completion.ts')).completionCommand(createParser)),
}

/** The command that `words` call, or all of them where that is not plain from the first word. */
export async function createParser(words: readonly string[]): Promise<Argv> {
  const bare = yargs([...words])
    .scriptName('starling')
    .parserConfiguration({ 'dot-notation': false, 'parse-positional-numbers': false })
    // Our own texts are English, so yargs' are too.
    .detectLocale(false)
    .demandCommand(1, 'Name a command; `starling --help` lists them')
    .recommendCommands()
    .strict()
    .version(VERSION_TEXT)
    .exitProcess(false)
    .epilogue(EXIT_CODES_TEXT)
  return await withCommands(bare, words)
}

async function withCommands(bare: Argv, [first = '']: readonly string[]): Promise<Argv> {
  if (first === '--version') return bare
  const called = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined
  const wanted = called === undefined ? Object.values(COMMANDS) : [called]
  let parser = bare
  for (const add of wanted) parser = await add(parser)
  return parser
}
