import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type AbiParameter, type Hex, keccak256, toBytes } from 'viem'
import { expect, test } from 'vitest'
import {
  rewardRatePoolAbi,
  serviceNodeContributionAbi,
  serviceNodeContributionFactoryAbi,
  serviceNodeRewardsAbi,
  stakingTokenAbi,
} from '../../src/staking/abi.ts'
import {
  abiModule,
  artifactPath,
  artifactText,
  compileContracts,
  isStale,
  readArtifact,
  readSources,
  sourceHashOf,
} from '../compiler.ts'

const ABIS = {
  ServiceNodeRewards: serviceNodeRewardsAbi,
  RewardRatePool: rewardRatePoolAbi,
  StakingToken: stakingTokenAbi,
  ServiceNodeContribution: serviceNodeContributionAbi,
  ServiceNodeContributionFactory: serviceNodeContributionFactoryAbi,
} as const
type Published = keyof typeof ABIS

const signatures: Record<Published, readonly string[]> = JSON.parse(
  readFileSync(new URL('../../test/vectors/staking-abi-signatures.json', import.meta.url), 'utf8'),
)

/** Errors that OpenZeppelin 5.0 could throw and 5.7 no longer does; ours are built with 5.7. */
const GONE_FROM_OPENZEPPELIN = [
  'error AddressEmptyCode(address target)',
  'error AddressInsufficientBalance(address account)',
  'error FailedInnerCall()',
]

/** Starts of hashes as seen on chain. */
const { selectors }: { readonly selectors: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(new URL('../../test/vectors/staking-abi-signatures.json', import.meta.url), 'utf8'),
)

type AbiItem = (typeof ABIS)[Published][number]

/** The item in the notation of the vectors. */
function signatureOf(item: AbiItem): string | undefined {
  if (item.type === 'constructor') return undefined
  const signature = `${item.type} ${item.name}(${parameters(item.inputs)})`
  if (item.type !== 'function') return signature
  const outputs = item.outputs.length === 0 ? '' : ` -> ${parameters(item.outputs)}`
  return `${signature} ${item.stateMutability}${outputs}`.trim()
}

/** A signature of the vectors without names and results: what is hashed. */
function plain(signature: string): string {
  const [, name = '', list = ''] = /^\w+ (\w+)\((.*?)\)(?: (?:view|pure|nonpayable).*| ?)$/.exec(signature) ?? []
  return `${name}(${list === '' ? '' : list.split(', ').map((parameter) => parameter.split(' ')[0])})`
}

function hashOf(item: AbiItem): Hex | undefined {
  if (item.type === 'constructor') return undefined
  return keccak256(toBytes(`${item.name}(${item.inputs.map(typeOf)})`))
}

function parameters(list: readonly (AbiParameter & { readonly indexed?: boolean })[]): string {
  return list.map((item) => `${typeOf(item)}${item.indexed ? ' indexed' : ''} ${item.name ?? ''}`).join(', ')
}

function typeOf(parameter: AbiParameter): string {
  if (!('components' in parameter)) return parameter.type
  return `(${parameter.components.map(typeOf).join(',')})${parameter.type.slice('tuple'.length)}`
}

function namesOf(parameter: AbiParameter | undefined): unknown {
  if (parameter === undefined || !('components' in parameter)) return parameter?.name
  return [parameter.name, parameter.components.map(namesOf)]
}

test('the committed artifacts and src/staking/abi.ts are what the sources compile to', async () => {
  const artifacts = compileContracts()
  for (const artifact of artifacts) {
    expect(readFileSync(artifactPath(artifact.contractName), 'utf8')).toBe(artifactText(artifact))
    expect(artifact.deployedSizeBytes).toBeLessThanOrEqual(24_576)
  }
  const module = readFileSync(new URL('../../src/staking/abi.ts', import.meta.url), 'utf8')
  expect(module).toBe(await abiModule(artifacts))
  expect(await isStale()).toBe(false)
  // The compiler is WebAssembly on one thread: ten seconds, and much more on a busy machine.
}, 300_000)

test('the check says when nothing is stale', () => {
  const script = new URL('../../scripts/compile-contracts.ts', import.meta.url).pathname
  expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toContain('fit the sources')
})

test('the hash of the sources says when an artifact is stale', async () => {
  const { sourceHash } = await readArtifact('ServiceNodeRewards')
  const sources = readSources()
  expect(sourceHashOf(sources)).toBe(sourceHash)
  for (const name of sources.keys()) {
    expect(sourceHashOf(new Map([...sources, [name, `${sources.get(name)} `]]))).not.toBe(sourceHash)
  }
})

test.each(Object.entries(ABIS) as [Published, readonly AbiItem[]][])(
  '%s has every function, event and error of the published interface',
  (name, abi) => {
    const ours = new Set(abi.map(signatureOf))
    expect(signatures[name].filter((signature) => !ours.has(signature))).toEqual(
      signatures[name].filter((signature) => GONE_FROM_OPENZEPPELIN.includes(signature)),
    )
  },
)

test('what the interface has beyond the published one is known', () => {
  const beyond = (name: Published) =>
    ABIS[name].map(signatureOf).filter((signature) => signature !== undefined && !signatures[name].includes(signature))
  expect(beyond('ServiceNodeRewards')).toEqual([
    'error NoPointFound()',
    'error PointAtInfinity()',
    'error PointNotOnCurve()',
  ])
  expect(beyond('RewardRatePool')).toEqual(['error NullAddress()'])
  expect(beyond('StakingToken')).toEqual([])
  expect(beyond('ServiceNodeContribution')).toEqual([
    'error NothingToWithdraw(address caller)',
    'error ReentrancyGuardReentrantCall()',
  ])
  expect(beyond('ServiceNodeContributionFactory')).toEqual([])
})

test('selectors and topics are those by which the deployed contracts are called and found', () => {
  for (const name of Object.keys(ABIS) as Published[]) {
    const items: readonly AbiItem[] = ABIS[name]
    const ours = new Set(items.map(hashOf))
    const missing = signatures[name].filter((signature) => !ours.has(keccak256(toBytes(plain(signature)))))
    expect(missing).toEqual(signatures[name].filter((signature) => GONE_FROM_OPENZEPPELIN.includes(signature)))
  }
  const hashes = ABIS.ServiceNodeRewards.map(hashOf)
  for (const [signature, start] of Object.entries(selectors)) {
    expect([signature, hashes.find((hash) => hash?.startsWith(start))]).toEqual([
      signature,
      keccak256(toBytes(signature)),
    ])
  }
})

test('structs have the fields of the published ones, in their order', () => {
  const functionNamed = (name: string) =>
    serviceNodeRewardsAbi.find((item) => item.type === 'function' && item.name === name)
  const node = functionNamed('serviceNodes')
  expect(node?.type === 'function' && node.outputs.map(namesOf)).toEqual([
    [
      '',
      [
        'next',
        'prev',
        'operator',
        ['blsPubkey', ['X', 'Y']],
        'addedTimestamp',
        'leaveRequestTimestamp',
        'latestLeaveRequestTimestamp',
        'deposit',
        ['contributors', [['staker', ['addr', 'beneficiary']], 'stakedAmount']],
        'ed25519Pubkey',
      ],
    ],
  ])
  const add = functionNamed('addBLSPublicKey')
  expect(add?.inputs.map(namesOf)).toEqual([
    ['blsPubkey', ['X', 'Y']],
    ['blsSignature', ['sigs0', 'sigs1', 'sigs2', 'sigs3']],
    ['serviceNodeParams', ['serviceNodePubkey', 'serviceNodeSignature1', 'serviceNodeSignature2', 'fee']],
    ['contributors', [['staker', ['addr', 'beneficiary']], 'stakedAmount']],
  ])
  const seed = functionNamed('seedPublicKeyList')
  expect(seed?.inputs.map(namesOf)).toEqual([
    [
      'nodes',
      [
        ['blsPubkey', ['X', 'Y']],
        'ed25519Pubkey',
        'addedTimestamp',
        ['contributors', [['staker', ['addr', 'beneficiary']], 'stakedAmount']],
      ],
    ],
  ])
})
