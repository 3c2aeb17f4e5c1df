// What the page does. Everything it needs of Starling comes from the SDK's browser bundle.
import {
  type Account,
  accountFromSeed,
  ClientError,
  createClient,
  generateAccountSeed,
  parseAccountId,
  type ReceivedMessage,
  type Route,
  type StarlingClient,
} from 'starling/client'

const page = {
  enter: element('enter', HTMLFormElement),
  seedUrl: element('seed-url', HTMLInputElement),
  accountSeed: element('account-seed', HTMLInputElement),
  directly: element('directly', HTMLInputElement),
  entered: element('entered', HTMLElement),
  ownId: element('own-id', HTMLElement),
  ownSeed: element('own-seed', HTMLElement),
  send: element('send', HTMLFormElement),
  to: element('to', HTMLInputElement),
  text: element('text', HTMLTextAreaElement),
  noneYet: element('none-yet', HTMLElement),
  received: element('received', HTMLOListElement),
  status: element('status', HTMLElement),
  error: element('error', HTMLElement),
}

/** The way of the request that was answered last. */
let lastRoute: Route | undefined

page.seedUrl.value = new URLSearchParams(location.search).get('seed') ?? ''
onSubmit(page.enter, async () => {
  const seed = page.accountSeed.value.trim() || generateAccountSeed()
  const account = accountFromSeed(seed)
  const client = createClient({ seeds: [page.seedUrl.value], account, onRoute: keepRoute })
  try {
    say('Looking for service nodes …')
    show(await client.receiveMessages())
  } catch (error) {
    await client[Symbol.asyncDispose]()
    throw error
  }
  showEntered(account, seed, client)
})

function showEntered(account: Account, seed: string, client: StarlingClient): void {
  page.ownId.textContent = account.id
  page.ownSeed.textContent = seed
  page.accountSeed.value = ''
  page.enter.hidden = true
  page.entered.hidden = false
  page.to.focus()
  say('')
  onSubmit(page.send, () => send(client))
  follow(client, page.directly.checked).catch(complain)
}

async function send(client: StarlingClient): Promise<void> {
  const to = parseAccountId(page.to.value.trim())
  if (to === undefined) throw new TypeError('That is no account id: it has 66 hex digits and begins with 05')
  say('Sending …')
  const { confirmations, members } = await client.sendMessage(to, page.text.value)
  page.text.value = ''
  say(`Sent${way()}. ${confirmations} of ${members} service nodes signed that they keep it.`)
}

function keepRoute(route: Route): void {
  // The clock and the swarm are asked for by other methods, which are of no interest here.
  if (route.method === 'store') lastRoute = route
}

/** Only the user's own machine knows the way, and shows it to nobody else. */
function way(): string {
  if (lastRoute === undefined) return ''
  return ` by way of ${[...lastRoute.hops, lastRoute.destination].map(({ ip }) => ip).join(' → ')}`
}

/** Messages come as members of the swarm tell of them; after what goes wrong on the way, it tries again by itself. */
async function follow(client: StarlingClient, directly: boolean): Promise<void> {
  for await (const received of client.follow({ directly, onTrouble: complain })) show(received)
}

function show({ messages }: { readonly messages: readonly ReceivedMessage[] }): void {
  page.noneYet.hidden ||= messages.length > 0
  page.received.append(...messages.map(messageItem))
}

/** Texts go in as text, never as HTML: they are a stranger's. */
function messageItem({ from, text, sentMs }: ReceivedMessage): HTMLLIElement {
  const item = document.createElement('li')
  const body = document.createElement('p')
  body.textContent = text
  const origin = document.createElement('p')
  origin.className = 'help'
  origin.textContent = `${from}, ${new Date(sentMs).toLocaleString()}`
  item.append(body, origin)
  return item
}

/** Runs `work` when the form is submitted, and shows what goes wrong. */
function onSubmit(form: HTMLFormElement, work: () => Promise<void>): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    page.error.textContent = ''
    setBusy(form, true)
    work()
      .catch(complain)
      .finally(() => setBusy(form, false))
  })
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  for (const button of form.querySelectorAll('button')) button.disabled = busy
}

function complain(error: unknown): void {
  say('')
  const known = error instanceof ClientError || error instanceof TypeError
  page.error.textContent = known ? `${error.message}.` : 'Something went wrong; see the console.'
  if (!known) console.error(error)
}

function say(text: string): void {
  page.status.textContent = text
}

function element<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`The page has no ${id}`)
}
