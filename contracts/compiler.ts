import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, posix } from 'node:path'
import type { Abi } from 'viem'

const ROOT = join(import.meta.dirname, '..')
const ARTIFACTS = join(ROOT, 'contracts/artifacts')
const ABI_MODULE = join(ROOT, 'src/staking/abi.ts')
const COMPILER_VERSION = '0.8.37'

/** What is deployed, and whether src/staking/abi.ts holds its interface and under which name. */
const CONTRACTS = [
  { source: 'contracts/src/ServiceNodeRewards.sol', name: 'ServiceNodeRewards', abiName: 'serviceNodeRewardsAbi' },
  { source: 'contracts/src/RewardRatePool.sol', name: 'RewardRatePool', abiName: 'rewardRatePoolAbi' },
  { source: 'contracts/src/StakingToken.sol', name: 'StakingToken', abiName: 'stakingTokenAbi' },
  {
    source: 'contracts/src/ServiceNodeContribution.sol',
    name: 'ServiceNodeContribution',
    abiName: 'serviceNodeContributionAbi',
  },
  {
    source: 'contracts/src/ServiceNodeContributionFactory.sol',
    name: 'ServiceNodeContributionFactory',
    abiName: 'serviceNodeContributionFactoryAbi',
  },
  {
    source: '@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol',
    name: 'TransparentUpgradeableProxy',
    abiName: undefined,
  },
  // Misbehaves on demand, for tests.
  { source: 'contracts/test/HostileToken.sol', name: 'HostileToken', abiName: undefined },
] as const

const SETTINGS = {
  // Checking a signature dominates every call's cost: inlining saves a tenth of it, and the size stays below the limit.
  optimizer: { enabled: true, runs: 100_000 },
  viaIR: true,
  // Arbitrum One runs every opcode of Cancun since ArbOS 20.
  evmVersion: 'cancun',
  // No metadata hash: the same sources give the same bytes wherever they lie.
  metadata: { appendCBOR: false, bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
} as const

/** The limit of EIP-170. */
const DEPLOYED_SIZE_MAX_BYTES = 24_576

export type ContractName = (typeof CONTRACTS)[number]['name']

/** A file of contracts/artifacts. */
export interface Artifact {
  readonly contractName: ContractName
  /** SHA-256 over the compiler's version, its settings and every source: equal hashes, equal bytecode. */
  readonly sourceHash: string
  readonly deployedSizeBytes: number
  readonly abi: Abi
  readonly bytecode: `0x${string}`
}

interface CompilerOutput {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts?: Record<
    string,
    Record<
      string,
      { abi: Abi; evm: { bytecode: { object: string }; deployedBytecode: { object: string } } } | undefined
    >
  >
}

/** Compiles every contract from its sources. Takes some seconds. */
export function compileContracts(): readonly Artifact[] {
  const sources = readSources()
  const sourceHash = sourceHashOf(sources)
  const output = runCompiler(sources)
  return CONTRACTS.map(({ source, name }) => {
    const contract = output.contracts?.[source]?.[name]
    if (contract === undefined) throw new Error(`The compiler gave no ${name}`)
    const deployedSizeBytes = contract.evm.deployedBytecode.object.length / 2
    if (deployedSizeBytes > DEPLOYED_SIZE_MAX_BYTES) throw new Error(`${name} has ${deployedSizeBytes} bytes, too many`)
    return {
      contractName: name,
      sourceHash,
      deployedSizeBytes,
      abi: withoutInternalTypes(contract.abi),
      bytecode: `0x${contract.evm.bytecode.object}`,
    }
  })
}

/** The text of src/staking/abi.ts for these artifacts. */
export async function abiModule(artifacts: readonly Artifact[]): Promise<string> {
  const parts = CONTRACTS.flatMap(({ name, abiName }) => {
    const abi = artifacts.find(({ contractName }) => contractName === name)?.abi
    return abiName === undefined ? [] : [`export const ${abiName} = ${JSON.stringify(abi)} as const`]
  })
  const header = '// Generated from contracts/src by `npm run contracts`. Do not edit.'
  return await formatted([header, ...parts].join('\n\n'))
}

export async function writeArtifacts(artifacts: readonly Artifact[], abiModuleText: string): Promise<void> {
  await mkdir(ARTIFACTS, { recursive: true })
  for (const artifact of artifacts) await writeFile(artifactPath(artifact.contractName), artifactText(artifact))
  await writeFile(ABI_MODULE, abiModuleText)
}

export async function readArtifact(name: ContractName): Promise<Artifact> {
  const artifact: Artifact = JSON.parse(await readFile(artifactPath(name), 'utf8'))
  return artifact
}

/** Whether an artifact was made from other sources or settings, or src/staking/abi.ts from other artifacts. */
export async function isStale(): Promise<boolean> {
  const artifacts = await Promise.all(CONTRACTS.map(({ name }) => readArtifact(name)))
  const sourceHash = sourceHashOf(readSources())
  if (artifacts.some((artifact) => artifact.sourceHash !== sourceHash)) return true
  return (await readFile(ABI_MODULE, 'utf8')) !== (await abiModule(artifacts))
}

export function artifactText(artifact: Artifact): string {
  return `${JSON.stringify(artifact, null, 1)}\n`
}

export function artifactPath(name: ContractName): string {
  return join(ARTIFACTS, `${name}.json`)
}

/** Every source by the name under which it is imported: our own by its path in the repository, packages by theirs. */
export function readSources(): Map<string, string> {
  const sources = new Map<string, string>()
  const visit = (name: string) => {
    if (sources.has(name)) return
    const text = readFileSync(join(ROOT, name.startsWith('@') ? 'node_modules' : '', name), 'utf8')
    sources.set(name, text)
    for (const [, path = ''] of text.matchAll(/^\s*import\s[^;]*?"([^"]+)";/gm)) {
      visit(path.startsWith('.') ? posix.join(posix.dirname(name), path) : path)
    }
  }
  for (const name of globSync('contracts/{src,test}/*.sol', { cwd: ROOT }).sort()) visit(name)
  return sources
}

/** Changes with any source, with the compiler's version and with its settings. */
export function sourceHashOf(sources: ReadonlyMap<string, string>): string {
  const entries = [...sources].sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([COMPILER_VERSION, SETTINGS, entries]))
    .digest('hex')
}

function runCompiler(sources: ReadonlyMap<string, string>): CompilerOutput {
  // The package is CommonJS, and its import loads nine megabytes of compiler: only who compiles pays for it.
  const solc: { version(): string; compile(input: string): string } = createRequire(import.meta.url)('solc')
  if (!solc.version().startsWith(COMPILER_VERSION))
    throw new Error(`solc is ${solc.version()}, not ${COMPILER_VERSION}`)
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries([...sources].map(([name, content]) => [name, { content }])),
    settings: SETTINGS,
  }
  const output: CompilerOutput = JSON.parse(solc.compile(JSON.stringify(input)))
  const errors = output.errors?.filter(({ severity }) => severity === 'error') ?? []
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))
  return output
}

/** The interface without the names that types have in the sources: nobody reads them, and they are a third of the text. */
function withoutInternalTypes(abi: Abi): Abi {
  return JSON.parse(JSON.stringify(abi, (key, value) => (key === 'internalType' ? undefined : value)))
}

/** The text as `biome check` wants it. */
function formatted(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const biome = join(ROOT, 'node_modules/.bin/biome')
    const child = execFile(
      biome,
      ['format', '--stdin-file-path=src/staking/abi.ts'],
      { cwd: ROOT, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    )
    child.stdin?.end(text)
  })
}
