import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { type ImportWalletArgs, importWalletFlags, type WalletArgs, walletFlags } from '../wallet/options.ts'

const createCommand: CommandModule<object, WalletArgs> = {
  command: 'create',
  describe: 'Create an account in a new keystore, and print its address',
  builder: (yargs) =>
    yargs
      .options(walletFlags)
      .example('$0 wallet create --keystore operator.json', 'Create an account; asks for a new passphrase')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../wallet/wallet.ts')).createWallet(args)),
}

const importCommand: CommandModule<object, ImportWalletArgs> = {
  command: 'import',
  describe: 'Seal a private key in a new keystore, and print its address',
  builder: (yargs) =>
    yargs
      .options(importWalletFlags)
      .example('$0 wallet import --keystore operator.json --private-key-file operator.key', 'Seal a key of your own')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../wallet/wallet.ts')).importWallet(args)),
}

const showCommand: CommandModule<object, WalletArgs> = {
  command: 'show',
  describe: 'Open a keystore, whichever wallet made it, and print its address',
  builder: (yargs) =>
    yargs
      .options(walletFlags)
      .example('$0 wallet show --keystore operator.json', 'See that file and passphrase fit')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../wallet/wallet.ts')).showWallet(args)),
}

export const walletCommand: CommandModule = {
  command: 'wallet <command>',
  describe: "The operator's account, which owns the stake, in a keystore that other wallets open too",
  builder: (yargs) =>
    yargs
      .command(createCommand)
      .command(importCommand)
      .command(showCommand)
      .demandCommand(1)
      .strict()
      .example('$0 wallet create --keystore operator.json', 'Create an account')
      .epilogue(EXIT_CODES_TEXT),
  handler: () => {},
}
