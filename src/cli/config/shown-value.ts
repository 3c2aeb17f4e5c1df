import { type CheckedFlag, RPC_URLS } from '../options/check.ts'
import { serviceNodeFlags } from '../options/service-node.ts'

const flags: Readonly<Record<string, CheckedFlag>> = serviceNodeFlags

const MASK = '…'

/** An option's value as anybody may see it. */
export function shownValue(name: string, value: unknown): unknown {
  if (flags[name]?.isSecret !== true) return value
  return Array.isArray(value) ? value.map(masked) : masked(value)
}

/** Providers put keys into user names, paths and queries, so only the host is left. */
function masked(value: unknown): string {
  if (typeof value !== 'string' || !RPC_URLS.accepts(value)) return MASK
  const { protocol, host, origin, href } = new URL(value)
  return href === `${origin}/` ? origin : `${protocol}//${host}/${MASK}`
}
