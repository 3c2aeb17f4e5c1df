import { jsonFlag, type KeysArgs, keysFolderFlag } from '../keys/options.ts'

/** What every stake command needs: the chain, the contract and the node's keys. */
export interface ChainArgs extends KeysArgs {
  readonly rpc: string[]
  readonly contract: string
  readonly 'chain-id': number
}

export interface RegisterArgs extends ChainArgs {
  readonly 'operator-key-file': string
  readonly fee: number
  readonly yes: boolean
  readonly 'dry-run': boolean
}

export const chainFlags = {
  'keys-folder': keysFolderFlag,
  rpc: {
    type: 'array',
    string: true,
    describe: 'JSON-RPC URLs of the chain, best first',
    demandOption: true,
  },
  contract: { type: 'string', describe: 'Address of the staking contract', demandOption: true },
  'chain-id': { type: 'number', describe: 'EIP-155 id of the chain', demandOption: true },
  json: jsonFlag,
} as const

export const registerFlags = {
  ...chainFlags,
  'operator-key-file': {
    type: 'string',
    describe: "File with the private key (hex) of the operator's account, readable by you alone",
    demandOption: true,
  },
  fee: {
    type: 'number',
    describe: "The operator's fee in basis points; of effect only with other contributors",
    default: 0,
  },
  yes: { type: 'boolean', describe: 'Do not ask for a confirmation', default: false },
  'dry-run': { type: 'boolean', describe: 'Check and simulate everything, send nothing', default: false },
} as const
