import { parseActiveNodesBinParams } from './active-nodes-bin.ts'
import { parseBatchParams } from './batch.ts'
import { parseDeleteParams } from './delete.ts'
import { parseDeleteAllParams } from './delete-all.ts'
import { parseDeleteBeforeParams } from './delete-before.ts'
import { parseExpireParams } from './expire.ts'
import { parseExpireAllParams } from './expire-all.ts'
import { parseGetExpiriesParams } from './get-expiries.ts'
import { parseGetSwarmParams } from './get-swarm.ts'
import { parseIfElseParams } from './if-else.ts'
import { parseInfoParams } from './info.ts'
import { parseMonitorParams } from './monitor.ts'
import { parseOxendRequestParams } from './oxend-request.ts'
import { parseRetrieveParams } from './retrieve.ts'
import {
  parseRevokedSubaccountsParams,
  parseRevokeSubaccountParams,
  parseUnrevokeSubaccountParams,
} from './revocation.ts'
import { parseStoreParams } from './store.ts'

/** Every method that clients may call, and how its parameters are read. */
export const PARSERS = {
  active_nodes_bin: parseActiveNodesBinParams,
  batch: parseBatchParams,
  delete: parseDeleteParams,
  delete_all: parseDeleteAllParams,
  delete_before: parseDeleteBeforeParams,
  expire: parseExpireParams,
  expire_all: parseExpireAllParams,
  get_expiries: parseGetExpiriesParams,
  get_swarm: parseGetSwarmParams,
  ifelse: parseIfElseParams,
  info: parseInfoParams,
  monitor: parseMonitorParams,
  oxend_request: parseOxendRequestParams,
  retrieve: parseRetrieveParams,
  revoke_subaccount: parseRevokeSubaccountParams,
  revoked_subaccounts: parseRevokedSubaccountsParams,
  sequence: parseBatchParams,
  store: parseStoreParams,
  unrevoke_subaccount: parseUnrevokeSubaccountParams,
} as const

export type MethodName = keyof typeof PARSERS

/** Older names that clients still send. */
const ALIASES: Readonly<Record<string, MethodName>> = { get_snodes_for_pubkey: 'get_swarm' }

export function parseMethodName(text: string): MethodName | undefined {
  if (Object.hasOwn(PARSERS, text)) return text as MethodName
  return Object.hasOwn(ALIASES, text) ? ALIASES[text] : undefined
}
