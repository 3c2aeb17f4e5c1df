// Makes a network of one's own; docs/own-network.md leads through it.
//
//     node scripts/deploy-network.ts deploy --parameters parameters.json --network network.json --preset preset.json …
//     node scripts/deploy-network.ts member --network network.json --operator 0x… --keys-folder data/keys
//     node scripts/deploy-network.ts start  --network network.json --member first.json --member second.json … …
//     node scripts/deploy-network.ts fund   --network network.json --amount 1000000 …
//
// deploy, start and fund take --rpc URL, and one of: --key-file FILE --yes (sends), --key-file FILE (shows what would be sent), or
// --unsigned --from 0x… (prints the transactions as JSON, to be signed elsewhere and sent in order).
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { formatUnits, getAddress, type Hex, isAddress, parseUnits } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { createFounder, founderText, parseFounder } from '../contracts/deployment/founder.ts'
import { networkFileText, parseNetworkFile, presetText } from '../contracts/deployment/network-file.ts'
import { StakingDeploymentError } from '../contracts/deployment/network-parameters.ts'
import {
  type PlannedStep,
  planNetwork,
  planNetworkFunding,
  planNetworkStart,
  requireNetwork,
  sendStep,
  unsignedStep,
} from '../contracts/deployment/network-steps.ts'
import { parseParameters, TOKEN_DECIMALS } from '../contracts/deployment/parameters-file.ts'
import { readOperatorKey } from '../src/cli/stake/operator-key.ts'
import { readKeyFiles } from '../src/node/key-files.ts'
import { createOperatorAccount, createOperatorView, type OperatorView } from '../src/staking/operator-account.ts'

const RPC_LIMITS = { requestTimeoutMs: 30_000, replyMaxBytes: 4 * 1024 * 1024 } as const
const ETHER_DECIMALS = 18
const USAGE = 'Usage: node scripts/deploy-network.ts deploy|member|start|fund …; docs/own-network.md tells more'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rpc: { type: 'string' },
    parameters: { type: 'string' },
    network: { type: 'string' },
    preset: { type: 'string' },
    member: { type: 'string', multiple: true },
    operator: { type: 'string' },
    'keys-folder': { type: 'string' },
    amount: { type: 'string' },
    'key-file': { type: 'string' },
    from: { type: 'string' },
    unsigned: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
  },
})

const COMMANDS: Readonly<Record<string, () => Promise<void>>> = { deploy, member, start, fund }

try {
  const command = COMMANDS[positionals[0] ?? '']
  if (command === undefined || positionals.length > 1) throw new StakingDeploymentError('PARAMETERS_INVALID', USAGE)
  await command()
} catch (error) {
  if (!(error instanceof Error)) throw error
  const { code, details = {} } = error as Partial<StakingDeploymentError>
  // A bug's stack is worth more than its sentence.
  console.error(code === undefined ? error : `${code}: ${error.message} ${JSON.stringify(details)}`)
  process.exitCode = 1
}

async function deploy(): Promise<void> {
  const parameters = parseParameters(await readFile(required('parameters'), 'utf8'))
  const path = required('network')
  const begun = existsSync(path) ? parseNetworkFile(await readFile(path, 'utf8')) : undefined
  const { network, ...step } = await planNetwork(await viewOf(parameters.chainId), parameters, begun)
  await perform(network, step, async () => {
    // Before anything is sent, so that an interrupted deployment can be gone on with.
    await writeFile(path, networkFileText(network))
    if (flags.preset !== undefined) await writeFile(flags.preset, presetText(network))
  })
  if (flags.yes) await requireNetwork((await viewOf(network.chainId)).chain, network)
  console.error(`The staking contract is at ${network.rewards}. The preset for nodes and clients:`)
  console.error(presetText(network))
}

async function member(): Promise<void> {
  const network = parseNetworkFile(await readFile(required('network'), 'utf8'))
  const { ed25519, bls } = await readKeyFiles(required('keys-folder'))
  const founder = createFounder(network, addressOf('operator'), { ed25519, blsSecretKey: bls.secretKey })
  process.stdout.write(founderText(founder))
}

async function start(): Promise<void> {
  const network = parseNetworkFile(await readFile(required('network'), 'utf8'))
  const texts = await Promise.all((flags.member ?? []).map((path) => readFile(path, 'utf8')))
  const options = { isSignedBeforehand: flags.unsigned }
  const step = await planNetworkStart(await viewOf(network.chainId), network, texts.map(parseFounder), options)
  await perform(network, step)
  if (step.isOpeningLeft)
    console.error('When all of these are mined, run this once more: the last one opens the contract.')
}

async function fund(): Promise<void> {
  const network = parseNetworkFile(await readFile(required('network'), 'utf8'))
  const amount = required('amount')
  if (!/^\d{1,30}(\.\d{1,9})?$/.test(amount)) throw new StakingDeploymentError('PARAMETERS_INVALID', 'What amount?')
  const view = await viewOf(network.chainId)
  await perform(network, await planNetworkFunding(view, network, parseUnits(amount, TOKEN_DECIMALS)))
}

/** Shows the transactions, and sends or prints them as the flags say. */
async function perform(
  network: { readonly chainId: number; readonly deployer: Hex },
  step: PlannedStep,
  beforeSending?: () => Promise<void>,
): Promise<void> {
  const view = await viewOf(network.chainId)
  const balance = await view.chain.getBalance({ address: view.address })
  console.error(
    `Chain ${network.chainId}, account ${view.address} with ${formatUnits(balance, ETHER_DECIMALS)} of gas money`,
  )
  for (const [index, { step: what }] of step.transactions.entries()) {
    console.error(`  nonce ${step.firstNonce + index}: ${what}`)
  }
  if (flags.unsigned) {
    await beforeSending?.()
    const unsigned = unsignedStep({ chainId: network.chainId, deployer: view.address }, step)
    process.stdout.write(`${JSON.stringify(unsigned, undefined, 2)}\n`)
    return
  }
  if (!flags.yes) {
    console.error('Nothing was sent. Look at all of it, then add --yes.')
    return
  }
  await beforeSending?.()
  const options = { rpcUrl: required('rpc'), chainId: network.chainId, ...RPC_LIMITS }
  const account = createOperatorAccount(await readOperatorKey(required('key-file')), options)
  await sendStep(account, step, (what, hash) => console.error(`done: ${what} (${hash})`))
}

/** The deployer and the chain, without its key. */
async function viewOf(chainId: number): Promise<OperatorView> {
  const address = flags.unsigned ? addressOf('from') : privateKeyToAddress(await readOperatorKey(required('key-file')))
  return createOperatorView(address, { rpcUrl: required('rpc'), chainId, ...RPC_LIMITS })
}

function addressOf(name: 'from' | 'operator'): Hex {
  const value = required(name)
  if (isAddress(value)) return getAddress(value)
  throw new StakingDeploymentError('PARAMETERS_INVALID', `--${name} must be an address`)
}

function required(
  name: 'rpc' | 'parameters' | 'network' | 'operator' | 'keys-folder' | 'amount' | 'key-file' | 'from',
): string {
  const value = flags[name]
  if (value !== undefined && value !== '') return value
  throw new StakingDeploymentError('PARAMETERS_INVALID', `--${name} is missing. ${USAGE}`)
}
