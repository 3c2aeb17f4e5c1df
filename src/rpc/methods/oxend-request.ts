import { type OxendRequest, parseOxendRequestParams } from '../../protocol/client-api/oxend-request.ts'
import { parseServiceNodeListParams } from '../../protocol/client-api/service-node-list.ts'
import { RpcError } from '../errors.ts'
import type { LocalMethod } from '../method.ts'
import { stamped } from '../network-version.ts'
import type { ServiceNodeList } from '../service-node-list.ts'

export interface OxendRequestComponents {
  readonly serviceNodes: Pick<ServiceNodeList, 'list'>
}

/** Clients ask their chain through a service node; here the staking contract answers, as far as it can. */
export function createOxendRequestMethod({ serviceNodes }: OxendRequestComponents): LocalMethod<OxendRequest> {
  return {
    parse: parseOxendRequestParams,
    async answer({ endpoint, params }, { nowMs }) {
      if (endpoint === 'ons_resolve') {
        throw new RpcError('CHAIN_QUERY_UNSUPPORTED', 'ons_resolve is not supported: this network has no name service')
      }
      const result = await serviceNodes.list(parseServiceNodeListParams(params))
      return { status: 200, body: stamped({ result }, nowMs) }
    },
  }
}
