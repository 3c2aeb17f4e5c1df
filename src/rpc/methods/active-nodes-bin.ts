import { type ActiveNodesBinRequest, parseActiveNodesBinParams } from '../../protocol/client-api/active-nodes-bin.ts'
import type { ActiveNodeList } from '../active-node-list.ts'
import type { LocalMethod } from '../method.ts'

export interface ActiveNodesBinComponents {
  readonly activeNodes: Pick<ActiveNodeList, 'list'>
}

export function createActiveNodesBinMethod({
  activeNodes,
}: ActiveNodesBinComponents): LocalMethod<ActiveNodesBinRequest> {
  return {
    parse: parseActiveNodesBinParams,
    async answer() {
      const { base64, bytes } = await activeNodes.list()
      return { status: 200, body: base64, bytes }
    },
  }
}
