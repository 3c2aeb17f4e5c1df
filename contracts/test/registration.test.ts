import { parseEventLogs, toHex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BlsSignatureParameter, blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import {
  accountAt,
  aKeySet,
  balanceOf,
  type ContributorParameter,
  contributor,
  createStakingNetwork,
  fund,
  integerOf,
  type Keys,
  mined,
  nowS,
  register,
  registrationOf,
  restoreAfterEach,
  revertOf,
  STAKE,
  type StakingNetwork,
} from './staking-network.ts'

/** Where the number of members is kept: the second variable. */
const TOTAL_SLOT = 1

let network: StakingNetwork
beforeAll(async () => {
  network = await createStakingNetwork()
  await fund(network, network.operator, 10n * STAKE)
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

const operatorAddress = () => network.operator.account.address

/** How the contract refuses this registration by the operator. */
function refusal(
  keys: Keys = aKeySet(),
  overrides: { contributors?: ContributorParameter[]; ed25519?: bigint; key?: { X: bigint; Y: bigint } } = {},
) {
  const operator = overrides.contributors?.[0]?.staker.addr ?? operatorAddress()
  const [key, signature, params, contributors] = registrationOf(network, keys, operator, overrides.contributors)
  return revertOf(
    network.operator.simulateContract({
      ...network.rewardsContract,
      functionName: 'addBLSPublicKey',
      args: [
        overrides.key ?? key,
        signature,
        { ...params, serviceNodePubkey: overrides.ed25519 ?? params.serviceNodePubkey },
        contributors,
      ],
    }),
  )
}

test('an operator registers a service node with its own stake', async () => {
  const keys = aKeySet()
  const operator = operatorAddress()
  const args = registrationOf(network, keys, operator)
  const before = await balanceOf(network, operator)
  const receipt = await mined(
    network.operator,
    network.operator.writeContract({ ...network.rewardsContract, functionName: 'addBLSPublicKey', args }),
  )
  const [event] = parseEventLogs({
    abi: network.rewardsContract.abi,
    logs: receipt.logs,
    eventName: 'NewServiceNodeV2',
  })
  const contributors = [contributor(operator, STAKE)]
  expect(event?.args).toEqual({
    serviceNodeID: 1n,
    initiator: operator,
    pubkey: blsPublicKeyParameter(keys.publicKey),
    serviceNode: args[2],
    contributors,
  })

  const { owner, rewardsContract } = network
  expect(await owner.readContract({ ...rewardsContract, functionName: 'serviceNodes', args: [1n] })).toEqual({
    next: 0n,
    prev: 0n,
    operator,
    blsPubkey: blsPublicKeyParameter(keys.publicKey),
    addedTimestamp: BigInt(await nowS(network)),
    leaveRequestTimestamp: 0n,
    latestLeaveRequestTimestamp: 0n,
    deposit: STAKE,
    contributors,
    ed25519Pubkey: integerOf(keys.ed25519),
  })
  expect(await owner.readContract({ ...rewardsContract, functionName: 'totalNodes' })).toBe(1n)
  expect(await owner.readContract({ ...rewardsContract, functionName: 'nextServiceNodeID' })).toBe(2n)
  expect(await balanceOf(network, operator)).toBe(before - STAKE)
  expect(await balanceOf(network, network.rewards)).toBe(STAKE)
  // The published contract takes 1.49 M.
  expect(receipt.gasUsed).toBeLessThan(1_000_000n)
})

test('both keys lead to the id', async () => {
  const member = await register(network)
  const { owner, rewardsContract } = network
  const { X, Y } = blsPublicKeyParameter(member.publicKey)
  const bytes = `0x${X.toString(16).padStart(64, '0')}${Y.toString(16).padStart(64, '0')}` as const
  expect(await owner.readContract({ ...rewardsContract, functionName: 'serviceNodeIDs', args: [bytes] })).toBe(
    member.id,
  )
})

test('an unknown id gives an empty record', async () => {
  const { owner, rewardsContract } = network
  const node = await owner.readContract({ ...rewardsContract, functionName: 'serviceNodes', args: [99n] })
  expect(node).toMatchObject({ deposit: 0n, ed25519Pubkey: 0n, contributors: [] })
})

test('contributors share a stake, and the first is the operator whoever pays', async () => {
  const [payer, first, second] = [accountAt(network, 1), accountAt(network, 4), accountAt(network, 5)]
  const contributors = [
    contributor(first.address, STAKE / 4n),
    contributor(second.address, (3n * STAKE) / 4n, payer.address),
  ]
  const member = await register(network, network.operator, { contributors })
  const node = await network.owner.readContract({
    ...network.rewardsContract,
    functionName: 'serviceNodes',
    args: [member.id],
  })
  expect(node).toMatchObject({ operator: first.address, deposit: STAKE, contributors })
})

test('ten contributors may share a stake, eleven may not', async () => {
  const share = (count: number) => {
    const parts = Array.from({ length: count - 1 }, () => contributor(accountAt(network, 5).address, STAKE / 100n))
    return [contributor(operatorAddress(), STAKE - (STAKE / 100n) * BigInt(count - 1)), ...parts]
  }
  await register(network, network.operator, { contributors: share(10) })
  expect(await refusal(aKeySet(), { contributors: share(11) })).toEqual(['MaxContributorsExceeded'])
})

test('an operator provides a quarter of the stake', async () => {
  const short = STAKE / 4n - 1n
  const contributors = [
    contributor(operatorAddress(), short),
    contributor(accountAt(network, 5).address, STAKE - short),
  ]
  expect(await refusal(aKeySet(), { contributors })).toEqual(['InsufficientOperatorContribution', short])
})

test("an operator's quarter of a stake that four does not divide is rounded up", async () => {
  const { owner, rewardsContract } = network
  const change = { ...rewardsContract, functionName: 'setStakingRequirement', args: [STAKE + 1n] } as const
  await mined(owner, owner.writeContract(change))
  const quarter = STAKE / 4n
  const parts = (operators: bigint) => [
    contributor(operatorAddress(), operators),
    contributor(accountAt(network, 5).address, STAKE + 1n - operators),
  ]
  const short = await refusal(aKeySet(), { contributors: parts(quarter) })
  expect(short).toEqual(['InsufficientOperatorContribution', quarter])
  await register(network, network.operator, { contributors: parts(quarter + 1n), stake: STAKE + 1n })
})

test('the parts of a stake add up to the requirement exactly', async () => {
  for (const total of [STAKE - 1n, STAKE + 1n]) {
    const contributors = [contributor(operatorAddress(), total)]
    expect(await refusal(aKeySet(), { contributors })).toEqual(['ContributionTotalMismatch', STAKE, total])
  }
})

test('nobody without an address contributes or benefits', async () => {
  const nobody = '0x0000000000000000000000000000000000000000'
  const somebody = accountAt(network, 5).address
  for (const part of [contributor(nobody, STAKE / 2n), contributor(somebody, STAKE / 2n, nobody)]) {
    const contributors = [contributor(operatorAddress(), STAKE / 2n), part]
    expect(await refusal(aKeySet(), { contributors })).toEqual(['NullAddress'])
  }
})

test('a key that is registered cannot be registered again', async () => {
  const member = await register(network)
  const fresh = aKeySet()
  expect(await refusal({ ...fresh, publicKey: member.publicKey, secretKey: member.secretKey })).toEqual([
    'BLSPubkeyAlreadyExists',
    member.id,
  ])
  expect(await refusal({ ...fresh, ed25519: member.ed25519 })).toEqual(['Ed25519PubkeyAlreadyExists', member.id])
})

test('zero is no key', async () => {
  expect(await refusal(aKeySet(), { key: { X: 0n, Y: 0n } })).toEqual(['NullBLSPubkey'])
  expect(await refusal(aKeySet(), { ed25519: 0n })).toEqual(['NullEd25519Pubkey'])
})

test('a point off the curve is no key', async () => {
  expect(await refusal(aKeySet(), { key: { X: 1n, Y: 3n } })).toEqual(['PointNotOnCurve'])
})

test('a proof of possession is bound to the operator and to the Ed25519 key', async () => {
  const keys = aKeySet()
  const stranger = network.stranger.account.address
  expect(await refusal(keys, { ed25519: 7n })).toEqual(['InvalidBLSProofOfPossession'])

  const [key, signature, params] = registrationOf(network, keys, stranger)
  const solo = network.operator.simulateContract({
    ...network.rewardsContract,
    functionName: 'addBLSPublicKey',
    args: [key, signature, params, []],
  })
  expect(await revertOf(solo)).toEqual(['InvalidBLSProofOfPossession'])
})

test('a proof by another key, or by infinity, is refused', async () => {
  const keys = aKeySet()
  const [key, , params] = registrationOf(network, keys, operatorAddress())
  const [, foreign] = registrationOf(network, aKeySet(), operatorAddress())
  const infinity: BlsSignatureParameter = { sigs0: 0n, sigs1: 0n, sigs2: 0n, sigs3: 0n }
  for (const signature of [foreign, infinity]) {
    const call = network.operator.simulateContract({
      ...network.rewardsContract,
      functionName: 'addBLSPublicKey',
      args: [key, signature, params, []],
    })
    expect(await revertOf(call)).toEqual(['InvalidBLSProofOfPossession'])
  }
})

test('without the tokens, or the permission to take them, there is no registration', async () => {
  const { stranger, rewardsContract, tokenContract, owner, rewards } = network
  const args = registrationOf(network, aKeySet(), stranger.account.address)
  const attempt = () => stranger.simulateContract({ ...rewardsContract, functionName: 'addBLSPublicKey', args })
  // The token's own errors are not in the contract's interface: they arrive undecoded.
  await expect(attempt()).rejects.toThrow('0xfb8f41b2')
  const approve = { ...tokenContract, functionName: 'approve', args: [rewards, STAKE] } as const
  await mined(stranger, stranger.writeContract(approve))
  await expect(attempt()).rejects.toThrow('0xe450d38c')
  const send = { ...tokenContract, functionName: 'transfer', args: [stranger.account.address, STAKE] } as const
  await mined(owner, owner.writeContract(send))
  await attempt()
})

test('twenty service nodes may register in one block', async () => {
  const { owner, operator, rewardsContract } = network
  await fund(network, operator, 21n * STAKE)
  const first = await operator.getTransactionCount({ address: operator.account.address })
  await owner.setBlockGasLimit({ gasLimit: 100_000_000n })
  await owner.setAutomine(false)
  try {
    const hashes = await Promise.all(
      Array.from({ length: 21 }, (_, index) => {
        const args = registrationOf(network, aKeySet(), operator.account.address)
        const call = { ...rewardsContract, functionName: 'addBLSPublicKey', args, gas: 2_000_000n } as const
        return operator.writeContract({ ...call, nonce: first + index })
      }),
    )
    await owner.mine({ blocks: 1 })
    const receipts = await Promise.all(hashes.map((hash) => operator.getTransactionReceipt({ hash })))
    expect(receipts.map(({ status }) => status)).toEqual([...Array(20).fill('success'), 'reverted'])
    expect(await owner.readContract({ ...rewardsContract, functionName: 'numPubkeyAggregationsForHeight' })).toBe(20n)
  } finally {
    await owner.setAutomine(true)
  }
})

test('with many members, a fiftieth of their number may register in one block', async () => {
  const { owner, rewardsContract } = network
  const permitted = () => owner.readContract({ ...rewardsContract, functionName: 'maxPermittedPubkeyAggregations' })
  for (const [total, most] of [
    [0, 20n],
    [1049, 20n],
    [1050, 21n],
    [2000, 40n],
  ] as const) {
    await owner.setStorageAt({ address: rewardsContract.address, index: TOTAL_SLOT, value: toHex(total, { size: 32 }) })
    expect(await owner.readContract({ ...rewardsContract, functionName: 'totalNodes' })).toBe(BigInt(total))
    expect(await permitted()).toBe(most)
  }
})

test('nobody registers while the contract is paused', async () => {
  await mined(network.owner, network.owner.writeContract({ ...network.rewardsContract, functionName: 'pause' }))
  expect(await refusal()).toEqual(['EnforcedPause'])
})

test('raising the requirement leaves older members with their smaller stake', async () => {
  const member = await register(network)
  const { owner, rewardsContract } = network
  const raise = { ...rewardsContract, functionName: 'setStakingRequirement', args: [2n * STAKE] } as const
  await mined(owner, owner.writeContract(raise))
  const node = await owner.readContract({ ...rewardsContract, functionName: 'serviceNodes', args: [member.id] })
  expect(node.deposit).toBe(STAKE)
  const contributors = [contributor(operatorAddress(), STAKE)]
  expect(await refusal(aKeySet(), { contributors })).toEqual(['ContributionTotalMismatch', 2n * STAKE, STAKE])
})
