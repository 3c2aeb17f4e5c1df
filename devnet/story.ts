import { createClient, type ReceivedMessage, type Route, type StoreReceipt } from '../src/client/index.ts'
import { createPerson, type Person } from './accounts.ts'
import { nodesThatHold } from './copies.ts'
import type { Devnet, DevnetNode } from './network.ts'
import type { Reporter } from './reporter.ts'

const TEXT = 'Hello Bob. Nobody on the way knows that I wrote to you.'

export interface Story {
  readonly alice: Person
  readonly bob: Person
  readonly delivered: boolean
  /** Nodes that hold the message. */
  readonly copies: readonly DevnetNode[]
  /** Members of Bob's swarm. */
  readonly members: number
}

/** Alice writes to Bob through three hops; his swarm keeps copies; Bob reads it over three hops of his own. */
export async function tellStory(devnet: Devnet, folder: string, reporter: Reporter): Promise<Story> {
  const alice = await createPerson('Alice', folder)
  const bob = await createPerson('Bob', folder)
  const list = await devnet.list()
  const swarms = new Map(list.map(({ key, swarm }) => [key, swarm]))
  showSwarms(devnet, swarms, reporter)

  reporter.progress('Alice sends Bob a message through three hops')
  const sent = await send(devnet, alice, bob)
  reporter.progress('Every node is asked whether it keeps the message')
  const copies = await nodesThatHold(sent.receipt.hash, bob.account, devnet.nodes)
  const destination = swarms.get(sent.route.destination.key)
  const members = list.filter(({ swarm }) => swarm === destination).length
  reporter.progress('Bob asks his swarm through three hops of his own')
  const received = await receive(devnet, bob)
  const message = received.messages.find(({ hash }) => hash === sent.receipt.hash)
  const delivered = message?.text === TEXT && message.from === alice.account.id

  const node = nodeNames(devnet)
  reporter.say()
  reporter.say(`  Alice             ${alice.account.id}`)
  reporter.say(`  Bob               ${bob.account.id}, whose swarm is ${destination} with ${members} members`)
  reporter.say(`  Alice's way       ${way('Alice', sent.route, node)}`)
  reporter.say(
    `  Copies            ${copies.map(({ key }) => node(key)).join(', ')}: ${copies.length} of ${members} members`,
  )
  reporter.say(`  Signed for by     ${sent.receipt.confirmations} of ${sent.receipt.members} members`)
  reporter.say(`  Bob's way         ${way('Bob', received.route, node)}`)
  reporter.say(`  Bob reads         ${message === undefined ? 'nothing' : `"${message.text}" from ${message.from}`}`)
  reporter.say()
  reporter.event({
    event: 'story',
    delivered,
    from: alice.account.id,
    to: bob.account.id,
    swarm: destination,
    members,
    path: sent.route.hops.map(({ key }) => key),
    destination: sent.route.destination.key,
    copies: copies.map(({ key }) => key),
    text: message?.text,
  })
  return { alice, bob, delivered, copies, members }
}

async function send(devnet: Devnet, from: Person, to: Person): Promise<{ receipt: StoreReceipt; route: Route }> {
  const routes: Route[] = []
  await using client = createClient({
    seeds: [devnet.seed],
    account: from.account,
    onRoute: (route) => routes.push(route),
  })
  const receipt = await client.sendMessage(to.account.id, TEXT)
  return { receipt, route: lastOf(routes, 'store') }
}

async function receive(devnet: Devnet, owner: Person): Promise<{ messages: readonly ReceivedMessage[]; route: Route }> {
  const routes: Route[] = []
  await using client = createClient({
    seeds: [devnet.seed],
    account: owner.account,
    onRoute: (route) => routes.push(route),
  })
  const { messages } = await client.receiveMessages()
  return { messages, route: lastOf(routes, 'retrieve') }
}

function lastOf(routes: readonly Route[], method: string): Route {
  const route = routes.findLast((one) => one.method === method)
  if (route === undefined) throw new Error(`No ${method} request was answered`)
  return route
}

function showSwarms(devnet: Devnet, swarms: ReadonlyMap<string, string>, reporter: Reporter): void {
  const node = nodeNames(devnet)
  reporter.say()
  for (const id of [...new Set(swarms.values())].sort()) {
    const members = [...swarms].filter(([, swarm]) => swarm === id).map(([key]) => node(key))
    reporter.say(`  Swarm ${id.padStart(16)}  ${members.join(', ')}`)
  }
  reporter.say()
}

function way(start: string, { hops, destination }: Route, node: (key: string) => string): string {
  return [start, ...hops.map(({ key }) => node(key)), node(destination.key)].join(' -> ')
}

/** Nodes are told apart by number: node 7 lives at 127.0.7.1. */
function nodeNames(devnet: Devnet): (key: string) => string {
  const names = new Map<string, string>(devnet.nodes.map(({ key, index }) => [key, `node ${index}`]))
  return (key) => names.get(key) ?? key.slice(0, 8)
}
