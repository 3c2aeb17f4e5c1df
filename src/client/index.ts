// The one public entry of the client SDK (docs/client-sdk.md).

export { type AccountId, parseAccountId } from '../protocol/account.ts'
export type { Envelope } from '../protocol/client-api/envelope.ts'
export type { ExpireMode, MessageExpiry } from '../protocol/client-api/expire.ts'
export type { JsonObject, JsonValue } from '../protocol/json.ts'
export { type MessageHash, parseMessageHash, type StoredMessage } from '../protocol/message.ts'
export type { Namespace } from '../protocol/namespace.ts'
export type { EncryptionType } from '../protocol/onion/encryption.ts'
export type { ServiceNodeKey } from '../protocol/service-node.ts'
export { type Account, accountFromSeed, generateAccountSeed } from './account.ts'
export type { BatchResult, NodeInfo } from './answers.ts'
export {
  type CallOptions,
  createClient,
  type RetrieveQuery,
  type StarlingClient,
  type StoreInput,
} from './client.ts'
export { TEXT_MAX_BYTES } from './envelope.ts'
export { ClientError, type ClientErrorCode } from './errors.ts'
export { createHttpsTransport } from './https-transport.ts'
export type { MemberPage, Received, ReceivedMessage } from './inbox.ts'
export type { Route } from './onion-transport.ts'
export type { ClientOptions } from './options.ts'
export type { ReachableNode } from './reachable-node.ts'
export type { Seed } from './seeds.ts'
export {
  deleteAllRequest,
  deleteRequest,
  expireRequest,
  getExpiriesRequest,
  type RetrieveParams,
  retrieveRequest,
  type StoreParams,
  storeRequest,
} from './signed-params.ts'
export type { Confirmations, DeleteReceipt, ExpireReceipt, StoreReceipt } from './swarm-results.ts'
export type { Certificate, PostOptions, Transport, TransportResponse } from './transport.ts'
