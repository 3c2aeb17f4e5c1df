import { readKeyFiles } from '../../node/key-files.ts'
import { SecretFileError } from '../../node/secret-file.ts'
import { told } from '../../staking/contract-errors.ts'
import { readAllowance, readStakingRequirement, readToken } from '../../staking/operator/contract-facts.ts'
import { createOperatorView } from '../../staking/operator-account.ts'
import { createRegistration } from '../../staking/registration.ts'
import { requireValidProof } from '../../staking/stake-registration.ts'
import { wholeUnits } from '../../staking/token-amount.ts'
import { EXIT } from '../exit-codes.ts'
import { type Finding, fail, ok, once, skipped, warn } from '../finding.ts'
import { connectToChain, nodeKeysOf, usableUrl } from './chain.ts'
import { finalOwnStake } from './own-stake.ts'
import type { Check, PreflightContext } from './preflight-check.ts'
import { ether } from './presentation.ts'
import { tokensText } from './reward-facts.ts'

/** An approval and a registration, as measured, with the margin that is signed for. */
const REGISTRATION_GAS = 2_100_000n
const GWEI_DECIMALS = 9
/** Arbitrum's fee is a hundredth of this as a rule: above it, an hour's patience saves most of the cost. */
const GAS_PRICE_HIGH_WEI = 5n * 10n ** 9n
const NO_OPERATOR = 'name the account that would stake with --operator 0x…'
const NOBODY = '0x0000000000000000000000000000000000000000'

/** The keys in the contract, and the account that would stake. */
export function accountChecks({ settings, operator, signal }: PreflightContext): readonly Check[] {
  const { chain, keysFolder } = settings
  const target = { chainId: chain.chainId, contract: chain.contract }
  const providers = once(async () => await connectToChain(chain, signal))
  const view = once(async () =>
    createOperatorView(operator ?? NOBODY, { ...chain, rpcUrl: usableUrl(await providers(), chain) }),
  )
  const keys = once(async () => await readKeyFiles(keysFolder).catch(unlessSecret))
  const state = once(async () => {
    const read = await keys()
    if (read === undefined) return undefined
    return await finalOwnStake(await providers(), settings, nodeKeysOf(read), signal)
  })
  const requirement = once(async () => await readStakingRequirement(await view(), target))
  const token = once(async () => await readToken(await view(), target))
  const ofAccount = (run: () => Promise<Finding>) => async () =>
    operator === undefined ? skipped(NO_OPERATOR) : await run()
  return [
    {
      id: 'ed25519-unused',
      title: 'Ed25519 key',
      exitCode: EXIT.failure,
      async run() {
        const found = await state()
        if (found === undefined) return skipped('the keys cannot be read')
        if ('member' in found) return warn(found.sentence, 'It is registered already: there is nothing to do')
        if (found.kind !== 'key-mismatch' || found.mismatch.idOfKey === undefined) return ok('in no registration')
        return fail(found.sentence, 'Do what the sentence says; starling keys show shows them')
      },
    },
    {
      id: 'bls-unused',
      title: 'BLS key',
      exitCode: EXIT.failure,
      async run() {
        const found = await state()
        if (found === undefined) return skipped('the keys cannot be read')
        if ('member' in found) return warn(found.sentence, 'It is registered already: there is nothing to do')
        if (found.kind !== 'key-mismatch' || found.mismatch.idOfBls === undefined) return ok('in no registration')
        return fail(found.sentence, 'Do what the sentence says; starling keys show shows them')
      },
    },
    {
      id: 'proof-of-possession',
      title: 'Proof of possession',
      exitCode: EXIT.failure,
      run: ofAccount(async () => {
        const read = await keys()
        if (read === undefined || operator === undefined) return skipped('the keys cannot be read')
        const { ed25519, bls } = read
        const request = { ...target, operator, ed25519, blsSecretKey: bls.secretKey, feeBasisPoints: 0 }
        await requireValidProof(await view(), chain.contract, createRegistration(request))
        return ok('the contract takes it, for this account')
      }),
    },
    {
      id: 'staking-requirement',
      title: 'Stake',
      exitCode: EXIT.chain,
      run: async () => ok(tokensText(await requirement(), await token())),
    },
    {
      id: 'token-balance',
      title: 'Balance',
      exitCode: EXIT.stake,
      run: ofAccount(async () => {
        const { balanceAtomic } = await token()
        const seen = tokensText(balanceAtomic, await token())
        if (balanceAtomic >= (await requirement())) return ok(seen)
        const missing = tokensText((await requirement()) - balanceAtomic, await token())
        return fail(seen, `Send ${missing} more of the token ${(await token()).address} to ${operator}`)
      }),
    },
    {
      id: 'allowance',
      title: 'Allowance',
      exitCode: EXIT.stake,
      run: ofAccount(async () => {
        const allowed = await readAllowance(await view(), (await token()).address, chain.contract)
        if (allowed < (await requirement())) return ok('an approval of exactly the stake comes first')
        if (allowed === (await requirement())) return ok('the stake is approved already')
        const remedy =
          'More than the stake is approved: registering lowers it to the stake first; the wallet that approved it can, too'
        return warn(tokensText(allowed, await token()), remedy)
      }),
    },
    {
      id: 'gas-price',
      title: 'Gas price',
      exitCode: EXIT.chain,
      async run() {
        const { chain: client } = await view()
        const { maxFeePerGas } = await told(() => client.estimateFeesPerGas())
        const seen = `at most ${wholeUnits(maxFeePerGas, GWEI_DECIMALS)} gwei, so a registration costs at most ${ether(maxFeePerGas * REGISTRATION_GAS)}`
        return maxFeePerGas <= GAS_PRICE_HIGH_WEI
          ? ok(seen)
          : warn(seen, 'The chain is busy: wait if it need not be now')
      },
    },
    {
      id: 'gas-funds',
      title: 'Ether',
      exitCode: EXIT.stake,
      run: ofAccount(async () => {
        const { chain: client, address } = await view()
        const [balance, { maxFeePerGas }] = await told(() =>
          Promise.all([client.getBalance({ address }), client.estimateFeesPerGas()]),
        )
        const needed = maxFeePerGas * REGISTRATION_GAS
        if (balance >= needed) return ok(ether(balance))
        return fail(
          `${ether(balance)} of ${ether(needed)}`,
          `Send ether to ${operator}; a Safe's transactions may be paid by another`,
        )
      }),
    },
  ]
}

function unlessSecret(error: unknown): undefined {
  if (!(error instanceof SecretFileError)) throw error
}
