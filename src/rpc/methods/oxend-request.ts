import { type OxendRequest, parseOxendRequestParams } from '../../protocol/client-api/oxend-request.ts'
import { parseServiceNodeListParams } from '../../protocol/client-api/service-node-list.ts'
import { RpcError } from '../errors.ts'
import type { LocalMethod } from '../method.ts'
import { stamped } from '../network-version.ts'
import type { ServiceNodeDirectory } from '../service-node-directory.ts'

export interface OxendRequestComponents {
  readonly directory: Pick<ServiceNodeDirectory, 'list'>
}

/** Clients ask their chain through a service node; here the staking contract answers, as far as it can. */
export function createOxendRequestMethod({ directory }: OxendRequestComponents): LocalMethod<OxendRequest> {
  return {
    parse: parseOxendRequestParams,
    async answer({ endpoint, params }, { nowMs }) {
      if (endpoint === 'ons_resolve') {
        throw new RpcError('CHAIN_QUERY_UNSUPPORTED', 'ons_resolve is not supported: this network has no name service')
      }
      const result = await directory.list(parseServiceNodeListParams(params))
      return { status: 200, body: stamped({ result }, nowMs) }
    },
  }
}
