import { type InfoRequest, parseInfoParams } from '../../protocol/client-api/info.ts'
import type { LocalMethod } from '../method.ts'
import { stamped } from '../network-version.ts'

export interface InfoComponents {
  /** Of this software. Clients read it but require nothing specific. */
  readonly info: { readonly version: readonly [number, number, number] }
}

export function createInfoMethod({ info }: InfoComponents): LocalMethod<InfoRequest> {
  return {
    parse: parseInfoParams,
    answer: (_request, { nowMs }) => ({
      status: 200,
      body: stamped({ version: info.version, timestamp: nowMs }, nowMs),
    }),
  }
}
