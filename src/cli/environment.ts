export const ENVIRONMENT_PREFIX = 'STARLING'

/** The environment variable of an option: STARLING_STAKING__RPC_URLS for `staking.rpcUrls`. */
export function environmentName(option: string): string {
  const parts = option.split('.').map((part) => part.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase())
  return `${ENVIRONMENT_PREFIX}_${parts.join('__')}`
}
