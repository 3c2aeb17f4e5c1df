import { type GetSwarmRequest, parseGetSwarmParams } from '../../protocol/client-api/get-swarm.ts'
import type { LocalMethod } from '../method.ts'
import type { ServiceNodeDirectory } from '../service-node-directory.ts'

export interface GetSwarmComponents {
  readonly directory: Pick<ServiceNodeDirectory, 'swarmAnswer'>
}

export function createGetSwarmMethod({ directory }: GetSwarmComponents): LocalMethod<GetSwarmRequest> {
  return {
    parse: parseGetSwarmParams,
    answer: ({ account }, { nowMs }) => ({ status: 200, body: directory.swarmAnswer(account, nowMs) }),
  }
}
