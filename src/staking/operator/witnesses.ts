import { told } from '../contract-errors.ts'
import { StakingError } from '../errors.ts'
import type { OperatorView } from '../operator-account.ts'

/** What says nothing about the chain: the provider cannot be heard right now. */
const UNHEARD: ReadonlySet<string> = new Set([
  'PROVIDER_UNREACHABLE',
  'PROVIDER_TIMEOUT',
  'PROVIDER_REFUSED',
  'PROVIDER_LIMITED',
  'PROVIDER_REPLY_TOO_LARGE',
])

/**
 * The same of every provider, the account's own first. Witnesses that cannot be heard are passed over: a single provider is enough to
 * work with, but no other may contradict it.
 * @throws {StakingError} PROVIDER_… of the first
 */
export async function askAll<T>(
  { chain, witnesses }: Pick<OperatorView, 'chain' | 'witnesses'>,
  read: (chain: OperatorView['chain']) => Promise<T>,
): Promise<readonly T[]> {
  const others = Promise.all(
    witnesses.map((witness) =>
      told(() => read(witness)).then(
        (answer) => [answer],
        (error: unknown) => {
          if (isUnheard(error)) return []
          throw error
        },
      ),
    ),
  )
  const [first, rest] = await Promise.all([told(() => read(chain)), others])
  return [first, ...rest.flat(1)] as readonly T[]
}

export function isUnheard(error: unknown): boolean {
  return error instanceof StakingError && UNHEARD.has(error.code)
}
