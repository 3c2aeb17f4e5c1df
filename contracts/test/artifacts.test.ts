import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { AbiParameter } from 'viem'
import { expect, test } from 'vitest'
import { rewardRatePoolAbi, serviceNodeRewardsAbi, stakingTokenAbi } from '../../src/staking/abi.ts'
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

const signatures: Record<'ServiceNodeRewards' | 'RewardRatePool' | 'StakingToken', readonly string[]> = JSON.parse(
  readFileSync(new URL('../../test/vectors/staking-abi-signatures.json', import.meta.url), 'utf8'),
)

/** Errors that OpenZeppelin 5.0 could throw and 5.7 no longer does; ours are built with 5.7. */
const GONE_FROM_OPENZEPPELIN = [
  'error AddressEmptyCode(address target)',
  'error AddressInsufficientBalance(address account)',
  'error FailedInnerCall()',
]

type AbiItem = (typeof serviceNodeRewardsAbi | typeof rewardRatePoolAbi | typeof stakingTokenAbi)[number]

/** The item in the notation of the vectors. */
function signatureOf(item: AbiItem): string | undefined {
  if (item.type === 'constructor') return undefined
  const signature = `${item.type} ${item.name}(${parameters(item.inputs)})`
  if (item.type !== 'function') return signature
  const outputs = item.outputs.length === 0 ? '' : ` -> ${parameters(item.outputs)}`
  return `${signature} ${item.stateMutability}${outputs}`.trim()
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

test.each([
  ['ServiceNodeRewards', serviceNodeRewardsAbi],
  ['RewardRatePool', rewardRatePoolAbi],
  ['StakingToken', stakingTokenAbi],
] as const)('%s has every function, event and error of the published interface', (name, abi: readonly AbiItem[]) => {
  const ours = new Set(abi.map(signatureOf))
  expect(signatures[name].filter((signature) => !ours.has(signature))).toEqual(
    signatures[name].filter((signature) => GONE_FROM_OPENZEPPELIN.includes(signature)),
  )
})

test('what the interface has beyond the published one is known', () => {
  const beyond = (abi: readonly AbiItem[], name: keyof typeof signatures) =>
    abi.map(signatureOf).filter((signature) => signature !== undefined && !signatures[name].includes(signature))
  expect(beyond(serviceNodeRewardsAbi, 'ServiceNodeRewards')).toEqual([
    'error NoPointFound()',
    'error PointAtInfinity()',
    'error PointNotOnCurve()',
  ])
  expect(beyond(rewardRatePoolAbi, 'RewardRatePool')).toEqual(['error NullAddress()'])
  expect(beyond(stakingTokenAbi, 'StakingToken')).toEqual([])
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
