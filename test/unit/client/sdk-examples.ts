// The examples of docs/client-sdk.md, as they stand there. They are type-checked like all code, and sdk-examples.test.ts runs
// them and compares the two.
import {
  type Account,
  type AccountId,
  accountFromSeed,
  batchCall,
  type ClientError,
  type ClientOptions,
  createClient,
  generateAccountSeed,
  groupFromSeed,
  ifElseCall,
  isConfirmedByMajority,
  issuePass,
  type MessageHash,
  memberFromPass,
  retrieveCall,
  type StarlingClient,
  storeCall,
} from '../../../src/client/index.ts'

/** Where an example's output goes. */
export type Print = (line: string) => void

export async function send(options: Omit<ClientOptions, 'account'>, to: AccountId, print: Print): Promise<void> {
  // #region send
  const account = accountFromSeed(generateAccountSeed())
  await using client = createClient({ ...options, account })

  const { confirmations, members } = await client.sendMessage(to, 'See you at eight')
  print(`${confirmations} of ${members} nodes hold it`)
  for (const { from, text } of (await client.receiveMessages()).messages) print(`${from}: ${text}`)
  // #endregion
}

export async function receipts(client: StarlingClient, hashes: readonly MessageHash[], print: Print): Promise<void> {
  // #region receipts
  const receipt = await client.delete(hashes)
  if (!isConfirmedByMajority(receipt)) print('Most of the swarm did not delete it; try again later')
  for (const result of receipt.results) {
    if (result.kind === 'failed') print(`${result.member} ${result.timedOut ? 'may yet do it' : 'did not do it'}`)
  }
  // #endregion
}

export async function group(client: StarlingClient, alice: Account, data: Uint8Array, print: Print): Promise<void> {
  // #region group
  const owner = groupFromSeed(generateAccountSeed())
  const pass = issuePass(owner, alice.ed25519.publicKey, ['read', 'write'])
  // Alice gets the pass, say as JSON in a message, and acts with it and her own key.
  const group = client.messagesOf(memberFromPass(pass, alice.ed25519))
  await group.store({ namespace: 11, data })
  const { messages } = await group.retrieve({ namespace: 11 })
  print(`${messages.length} messages`)
  // The owner ends it, and nodes take her pass no more.
  await client.revocationsOf(owner).revoke([pass])
  // #endregion
}

export async function several(client: StarlingClient, account: Account, data: Uint8Array, print: Print): Promise<void> {
  // #region batch
  const store = storeCall({ account: account.id, data, namespace: 2 }, account)
  const messages = client.messagesOf(account)
  const [stored, page] = await messages.sequence([store, retrieveCall({ namespace: 2 }, account)])
  if (stored.kind === 'done' && page.kind === 'done') print(`${stored.value.hash}, ${page.value.messages.length}`)
  if (stored.kind === 'refused') print(`${stored.status}: ${stored.reason}`)

  const both = batchCall([store, retrieveCall({}, account)])
  const { outcome } = await client.ask(ifElseCall({ versionAtLeast: [0, 1] }, both, store))
  if (outcome?.kind === 'done') print('It was done')
  // #endregion
}

export async function follow(client: StarlingClient, signal: AbortSignal, print: Print): Promise<void> {
  // #region follow
  const onTrouble = (error: ClientError) => print(`${error.code}; it goes on`)
  for await (const { messages } of client.follow({ signal, onTrouble })) {
    for (const { from, text } of messages) print(`${from}: ${text}`)
  }
  // #endregion
}

export async function server(
  client: StarlingClient,
  address: { readonly host: string; readonly port: number },
  serverKey: string,
  file: Uint8Array,
  print: Print,
): Promise<void> {
  // #region server
  const fileServer = { ...address, protocol: 'http', x25519: serverKey } as const
  const request = { method: 'POST', endpoint: '/file', body: file }
  const { status, headers, body } = await client.fetchFromServer(fileServer, request)
  print(`${status} ${headers['content-type']} ${new TextDecoder().decode(body)}`)
  // #endregion
}

export async function repeat(client: StarlingClient, to: AccountId, signal: AbortSignal): Promise<void> {
  // #region repeat
  const data = client.sealMessage(to, 'See you at eight')
  await client.store({ account: to, data }, { signal })
  // After an error: the same bytes again. If the first did arrive, this one changes nothing.
  await client.store({ account: to, data }, { signal })
  // #endregion
}
