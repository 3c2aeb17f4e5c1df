import { DEFAULT_KEYS_FOLDER } from '../config/configuration-file.ts'
import { jsonFlag } from '../keys/options.ts'
import { passphraseFileFlag } from '../passphrase-source.ts'

/** What every stake command takes: the chain, the contract and the folders of the node. */
export interface ChainArgs {
  readonly config: string | undefined
  readonly network: string | undefined
  readonly rpc: string[] | undefined
  readonly contract: string | undefined
  readonly 'chain-id': number | undefined
  readonly 'keys-folder': string | undefined
  readonly 'data-folder': string | undefined
  readonly json: boolean
}

/** What every command takes that moves money. */
export interface MoneyArgs extends ChainArgs {
  readonly operator: string | undefined
  readonly keystore: string | undefined
  readonly 'passphrase-file': string | undefined
  readonly 'operator-key-file': string | undefined
  readonly send: boolean
  readonly unsigned: string | undefined
  readonly 'unsigned-form': 'transactions' | 'safe'
  readonly 'dry-run': boolean
  readonly yes: boolean
  readonly replace: boolean
  readonly 'gas-cost-max': string
  readonly 'beside-session-node': boolean
}

export interface RegisterArgs extends MoneyArgs {
  readonly fee: number
}

export interface SignatureArgs {
  readonly 'signatures-from': string[] | undefined
}

export interface ExitArgs extends MoneyArgs, SignatureArgs {
  readonly 'without-signatures': boolean
}

export interface ClaimArgs extends MoneyArgs, SignatureArgs {
  readonly amount: string | undefined
}

export interface RewardsArgs extends ChainArgs, SignatureArgs {
  readonly operator: string
}

export interface LiquidateArgs extends MoneyArgs, SignatureArgs {
  readonly node: string
}

export interface UnstakeArgs extends MoneyArgs, SignatureArgs {
  readonly wait: boolean
}

export interface PreflightArgs extends ChainArgs {
  readonly operator: string | undefined
  readonly 'public-ip': string | undefined
}

export const chainFlags = {
  config: {
    type: 'string',
    describe: "The node's configuration file; chain, contract, RPC URLs and folders are taken from it",
  },
  network: { type: 'string', describe: 'Network preset, for chain id and contract: mainnet, testnet, or a file' },
  rpc: { type: 'array', string: true, describe: 'JSON-RPC URLs of the chain, best first' },
  contract: { type: 'string', describe: 'Address of the staking contract' },
  'chain-id': { type: 'number', describe: 'EIP-155 id of the chain' },
  'keys-folder': {
    type: 'string',
    describe: `Folder with this service node's keys, and with the journals of what was signed (${DEFAULT_KEYS_FOLDER})`,
  },
  'data-folder': { type: 'string', describe: 'Data folder of the running node, for its socket (data)' },
  json: jsonFlag,
} as const

export const moneyFlags = {
  operator: { type: 'string', describe: 'Address of the account that signs elsewhere, when no key is given' },
  keystore: { type: 'string', describe: "Keystore of the operator's account (Web3 secret storage, version 3)" },
  'passphrase-file': passphraseFileFlag,
  'operator-key-file': {
    type: 'string',
    describe: "File with the private key (hex) of the operator's account: for tests and hot keys",
  },
  send: { type: 'boolean', describe: 'Sign and send; without it the transactions are printed', default: false },
  unsigned: { type: 'string', describe: 'Write the transactions to this new file, to be signed elsewhere' },
  'unsigned-form': {
    choices: ['transactions', 'safe'] as const,
    describe: "Form of that file: JSON-RPC transactions, or a batch for Safe's Transaction Builder",
    default: 'transactions' as const,
  },
  'dry-run': { type: 'boolean', describe: 'Check and simulate everything, sign and send nothing', default: false },
  yes: { type: 'boolean', describe: 'Do not ask for a confirmation', default: false },
  replace: {
    type: 'boolean',
    describe: 'Offer more for a transaction that is stuck, in the same place: one of the two is mined',
    default: false,
  },
  'gas-cost-max': {
    type: 'string',
    describe: 'Ether that the gas of a command may cost; nothing that could cost more is sent',
    // A registration costs a hundredth of it on Arbitrum, and less than that on a quiet day of Ethereum.
    default: '0.1',
    requiresArg: true,
  },
  'beside-session-node': {
    type: 'boolean',
    describe: "On Session's contract: Session's software runs beside this node, with the same keys",
    default: false,
  },
} as const

export const signatureFlags = {
  'signatures-from': {
    type: 'array',
    string: true,
    describe: "On Session's contract: RPC URLs of Session nodes that collect the members' signatures",
  },
} as const

export const registerFlags = {
  fee: {
    type: 'number',
    describe: "The operator's fee in basis points; of effect only with other contributors",
    default: 0,
  },
} as const

export const exitFlags = {
  'without-signatures': {
    type: 'boolean',
    describe: 'Take the node out without signatures, 30 days after the request',
    default: false,
  },
} as const

export const claimFlags = {
  amount: { type: 'string', describe: 'Tokens to claim, such as 12.5; all that can be claimed now when left out' },
} as const

export const recipientFlags = {
  operator: { type: 'string', describe: 'Address that the rewards are for', demandOption: true },
} as const

export const liquidateFlags = {
  node: { type: 'string', describe: 'BLS key (128 hex digits) or contract id of the service node', demandOption: true },
} as const

export const unstakeFlags = {
  wait: { type: 'boolean', describe: 'Wait, for days if need be, instead of ending with "try later"', default: false },
} as const

export const preflightFlags = {
  operator: { type: 'string', describe: 'Address of the account that would stake' },
  'public-ip': { type: 'string', describe: 'IP address under which the node would be reached' },
} as const

/** Headings of the help. */
export const FLAG_GROUPS = {
  'Chain and node': Object.keys(chainFlags),
  'Signing and sending': Object.keys(moneyFlags),
  Signatures: Object.keys(signatureFlags),
} as const
