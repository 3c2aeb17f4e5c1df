import type { ChainArgs, MoneyArgs } from './options.ts'
import { registerFlags } from './options.ts'

export interface PoolArgs {
  readonly pool: string
}

export interface FactoryArgs {
  readonly factory: string | undefined
}

export interface DeployArgs extends MoneyArgs, FactoryArgs {
  readonly fee: number
  readonly reserve: string[] | undefined
  readonly 'finalize-by-hand': boolean
}

export interface ContributeArgs extends MoneyArgs, PoolArgs, FactoryArgs {
  readonly amount: string
  readonly beneficiary: string | undefined
}

export type PoolStepArgs = MoneyArgs & PoolArgs & FactoryArgs

export type PoolStatusArgs = ChainArgs & PoolArgs

const factory = {
  type: 'string',
  describe:
    "Address of the factory of pooled stakes, instead of the network's; only contracts that it deployed are paid",
} as const
const pool = { type: 'string', describe: 'Address of the pooled stake', demandOption: true } as const

export const deployFlags = {
  factory,
  ...registerFlags,
  reserve: {
    type: 'array',
    string: true,
    describe: 'Keep a part for an account: 0x…=5000; again for each. The first must be your own',
  },
  'finalize-by-hand': {
    type: 'boolean',
    describe: 'Do not register when the stake is full, but when you say so',
    default: false,
  },
} as const

export const contributeFlags = {
  factory,
  pool,
  amount: { type: 'string', describe: 'Tokens to contribute, such as 5000', demandOption: true },
  beneficiary: { type: 'string', describe: 'Address that rewards go to; your own when left out' },
} as const

export const poolStepFlags = { factory, pool } as const
export const poolStatusFlags = { pool } as const
