// The one public entry of the client SDK (docs/client-sdk.md).

export { type Ed25519KeyPair, type Ed25519PublicKey, parseEd25519PublicKey } from '../crypto/keys.ts'
export { type AccountId, parseAccountId } from '../protocol/account.ts'
export type { ActiveNode } from '../protocol/client-api/active-nodes-bin.ts'
export type { Envelope } from '../protocol/client-api/envelope.ts'
export type { ExpireMode, MessageExpiry } from '../protocol/client-api/expire.ts'
export type { NodeFacts } from '../protocol/client-api/if-else.ts'
export type { JsonObject, JsonValue } from '../protocol/json.ts'
export { type MessageHash, parseMessageHash, type StoredMessage } from '../protocol/message.ts'
export type { Namespace } from '../protocol/namespace.ts'
export type { EncryptionType } from '../protocol/onion/encryption.ts'
export {
  decodeV4Reply,
  decodeV4Request,
  encodeV4Reply,
  encodeV4Request,
  type V4Reply,
  type V4Request,
} from '../protocol/onion/v4-payload.ts'
export type { ServiceNodeKey } from '../protocol/service-node.ts'
export { type Account, accountFromSeed, generateAccountSeed } from './account.ts'
export type { AccountMessages } from './account-messages.ts'
export type { BatchResult, NodeInfo } from './answers.ts'
export type { CallOptions } from './call-runner.ts'
export { type BatchOutcomes, batchCall, type PartOutcome, sequenceCall } from './calls/batch.ts'
export {
  type Deleted,
  type DeleteOptions,
  type DeleteReceipt,
  deleteAllCall,
  deleteBeforeCall,
  deleteCall,
} from './calls/delete.ts'
export {
  type ExpireAllReceipt,
  type ExpireReceipt,
  type ExpiriesMoved,
  expireAllCall,
  expireCall,
  getExpiriesCall,
  type Shortened,
} from './calls/expire.ts'
export { type IfElseOutcome, ifElseCall, type NodeConditions } from './calls/if-else.ts'
export { type MemberPage, publicRetrieveCall, type RetrieveQuery, retrieveCall } from './calls/retrieve.ts'
export {
  type RevocationDone,
  type RevocationReceipt,
  revokeCall,
  revokedCall,
  unrevokeCall,
} from './calls/revocation.ts'
export { type StoredCopy, type StoreInput, type StoreReceipt, storeCall } from './calls/store.ts'
export { createClient, type StarlingClient } from './client.ts'
export { type Content, type OpenedEnvelope, openEnvelope, sealEnvelope, TEXT_MAX_BYTES } from './envelope.ts'
export { ClientError, type ClientErrorCode } from './errors.ts'
export type { FollowAccountOptions, Followed, FollowedMessages, FollowOptions } from './follow/follow.ts'
export { groupFromSeed, issuePass, memberFromPass, type Right } from './groups.ts'
export { createHttpsTransport } from './https-transport.ts'
export { type Confirmations, isConfirmedByMajority, type MemberResult, type Receipt } from './member-results.ts'
export type { Route } from './onion-transport.ts'
export type { ClientOptions } from './options.ts'
export type { ReachableNode } from './reachable-node.ts'
export type { Received, ReceivedMessage } from './received.ts'
export type { Revocations } from './revocations.ts'
export type { Seed } from './seeds.ts'
export type { OutsideServer, ServerRequest } from './server-requester.ts'
export {
  deleteAllRequest,
  deleteBeforeRequest,
  deleteRequest,
  expireAllRequest,
  expireRequest,
  getExpiriesRequest,
  type RetrieveParams,
  retrieveRequest,
  type StoreParams,
  storeRequest,
} from './signed-params.ts'
export type { Member, Owner, Signer, SubaccountPass } from './signer.ts'
export type { SwarmCall } from './swarm-call.ts'
export type { Certificate, PostOptions, Transport, TransportResponse, WebSocketLike } from './transport.ts'
