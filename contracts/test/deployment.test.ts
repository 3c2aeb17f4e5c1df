import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChainClient } from '../../devnet/chain/chain-client.ts'
import { deployStaking, type LocalStakingOptions } from '../../devnet/chain/deployment.ts'
import { blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import {
  aKeySet,
  balanceOf,
  createStakingNetwork,
  integerOf,
  register,
  STAKE,
  type StakingNetwork,
} from './staking-network.ts'

let network: StakingNetwork
beforeAll(async () => {
  network = await createStakingNetwork()
})
afterAll(() => network[Symbol.asyncDispose]())

const seedMembers = (count: number) =>
  Array.from({ length: count }, () => {
    const { publicKey, ed25519 } = aKeySet()
    return {
      blsPubkey: blsPublicKeyParameter(publicKey),
      ed25519Pubkey: integerOf(ed25519),
      addedTimestampS: 1_700_000_000n,
      operator: network.operator.account.address,
    }
  })

test('the contracts refer to each other, are started and hold nothing', async () => {
  const { owner, rewards, pool, rewardsContract, poolContract } = network
  expect(await owner.readContract({ ...rewardsContract, functionName: 'isStarted' })).toBe(true)
  const addresses = await Promise.all([
    owner.readContract({ ...rewardsContract, functionName: 'foundationPool' }),
    owner.readContract({ ...poolContract, functionName: 'beneficiary' }),
    owner.readContract({ ...rewardsContract, functionName: 'owner' }),
    owner.readContract({ ...poolContract, functionName: 'owner' }),
  ])
  const expected = [pool, rewards, owner.account.address, owner.account.address]
  expect(addresses.map((address) => address.toLowerCase())).toEqual(expected.map((address) => address.toLowerCase()))
  expect(await balanceOf(network, rewards)).toBe(0n)
  expect(await balanceOf(network, pool)).toBe(0n)
})

test('the token has the name, the symbol, nine decimals and a fixed supply', async () => {
  const { owner, tokenContract } = network
  expect(await owner.readContract({ ...tokenContract, functionName: 'name' })).toBe('Starling Test Token')
  expect(await owner.readContract({ ...tokenContract, functionName: 'symbol' })).toBe('STAR')
  expect(await owner.readContract({ ...tokenContract, functionName: 'decimals' })).toBe(9)
  expect(await owner.readContract({ ...tokenContract, functionName: 'totalSupply' })).toBe(240_000_000_000_000_000n)
})

test('the pool gets its funds when there are enough members, not before', async () => {
  for (let count = 0; count < 3; count++) await register(network)
  await expect(network.fundPool(STAKE)).rejects.toMatchObject({
    code: 'HAZARD_TOO_FEW_MEMBERS',
    details: { members: 3, minimum: 4 },
  })
  await register(network)
  await network.fundPool(STAKE)
  expect(await balanceOf(network, network.pool)).toBe(STAKE)
})

test('a hazardous configuration deploys nothing', async () => {
  const { owner } = network
  const hazards: readonly [Partial<LocalStakingOptions>, string][] = [
    [{}, 'HAZARD_NO_MEMBERS'],
    [{ minimumMembers: 3 }, 'HAZARD_MINIMUM_MEMBERS'],
    [{ seedMembers: seedMembers(3) }, 'HAZARD_TOO_FEW_MEMBERS'],
    [{ minimumMembers: 7, seedMembers: seedMembers(6) }, 'HAZARD_TOO_FEW_MEMBERS'],
    [{ tokenSupplyAtomic: 4n * STAKE - 1n }, 'HAZARD_SUPPLY_TOO_SMALL'],
    [{ claimThresholdAtomic: STAKE - 1n }, 'HAZARD_CLAIM_THRESHOLD'],
    [{ signatureExpiryS: 299 }, 'HAZARD_SIGNATURE_EXPIRY'],
    [{ signatureExpiryS: 1801 }, 'HAZARD_SIGNATURE_EXPIRY'],
  ]
  const before = await owner.getTransactionCount({ address: owner.account.address })
  for (const [options, code] of hazards) await expect(deployStaking(owner, options)).rejects.toMatchObject({ code })
  expect(await owner.getTransactionCount({ address: owner.account.address })).toBe(before)
})

test("seeded members' stakes are in the contract from the start", async () => {
  const { owner, tokenContract, rewardsContract } = network
  const { rewards, token } = await deployStaking(owner, { seedMembers: seedMembers(4) })
  const balance = { ...tokenContract, address: token, functionName: 'balanceOf', args: [rewards] } as const
  expect(await owner.readContract(balance)).toBe(4n * STAKE)
  const total = await owner.readContract({ ...rewardsContract, address: rewards, functionName: 'totalNodes' })
  expect(total).toBe(4n)
})

test('another account may hold the right to upgrade', async () => {
  const account = network.anvil.accounts[7]
  if (account === undefined) throw new Error('A chain has ten accounts')
  const { address } = createChainClient(network.anvil, account.privateKey).account
  const { rewards } = await deployStaking(network.owner, { proxyAdminOwner: address, startsEmpty: true })
  const slot = '0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103'
  const admin = await network.owner.getStorageAt({ address: rewards, slot })
  const owner = await network.owner.readContract({
    ...network.rewardsContract,
    address: `0x${admin?.slice(-40)}`,
    functionName: 'owner',
  })
  expect(owner).toBe(address)
})
