import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a provider between us and the chain may do to an answer. */
export type Behaviour =
  | { readonly kind: 'honest' }
  /** Hangs up. */
  | { readonly kind: 'down' }
  /** Takes the request and never answers. */
  | { readonly kind: 'silent' }
  /** Answers this text instead. */
  | {
      readonly kind: 'text'
      readonly text: string
      readonly status?: number
      readonly headers?: Record<string, string>
    }
  /** Sends the beginning of an answer, and more and more of it. */
  | { readonly kind: 'endless' }
  /** Answers one method with an error, as a plan with limits does. */
  | { readonly kind: 'refusing'; readonly method: string }
  /** Passes one method on, and answers with this error all the same. */
  | { readonly kind: 'denying'; readonly method: string; readonly message: string }
  /** Goes silent at the n-th request of one method, before or after the chain has had it, and says so. */
  | {
      readonly kind: 'stopping'
      readonly method: string
      readonly nth: number
      readonly when: 'before' | 'after'
      readonly stopped: () => void
    }
  /** Gives no logs of more blocks than this. */
  | { readonly kind: 'limiting'; readonly logBlocksMax: number }
  /** Takes a block for the newest that was it so many blocks ago. */
  | { readonly kind: 'stale'; readonly blocks: number }
  /** Is a provider of another chain. */
  | { readonly kind: 'elsewhere'; readonly target: string }
  /** Tells the truth after this has passed the time. */
  | { readonly kind: 'slow'; readonly delay: () => void }
  /** Falsifies results: gets what the chain answered, and returns what is passed on. */
  | { readonly kind: 'lying'; readonly lie: (method: string, result: unknown, params: readonly unknown[]) => unknown }

/** A JSON-RPC provider in front of a chain, which does as it is told. */
export interface RpcProxy extends AsyncDisposable {
  readonly url: string
  behaviour: Behaviour
  /** Methods asked for since the start. */
  readonly methods: string[]
}

export async function startRpcProxy(target: string): Promise<RpcProxy> {
  const methods: string[] = []
  const proxy = { behaviour: { kind: 'honest' } as Behaviour, methods }
  const server = createServer(async (request, response) => {
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const body = Buffer.concat(chunks).toString()
      const { method, params } = JSON.parse(body) as { method: string; params: readonly unknown[] }
      methods.push(method)
      const { behaviour } = proxy
      const nth = methods.filter((name) => name === method).length
      const isStop = behaviour.kind === 'stopping' && method === behaviour.method && nth >= behaviour.nth
      if (isStop && behaviour.when === 'before') return behaviour.stopped()
      if (isStop) {
        await fetch(target, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
        return behaviour.stopped()
      }
      await answer(response, target, { body, method, params }, behaviour)
    } catch {
      response.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

const HONEST: Behaviour = { kind: 'honest' }

function hasMoreBlocks({ method, params }: { method: string; params: readonly unknown[] }, max: number): boolean {
  if (method !== 'eth_getLogs') return false
  const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string }
  return Number(toBlock) - Number(fromBlock) >= max
}

/** The newest blocks are older ones; all else is true. */
async function staleAnswer(
  target: string,
  { method, params }: { method: string; params: readonly unknown[] },
  blocks: number,
): Promise<string> {
  const ask = async (asked: readonly unknown[]) => {
    const body = JSON.stringify({ id: 1, jsonrpc: '2.0', method, params: asked })
    const reply = await fetch(target, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    return (await reply.json()) as { result?: { number?: string } | null }
  }
  const [at] = params
  if (method !== 'eth_getBlockByNumber' || (at !== 'finalized' && at !== 'latest')) {
    return JSON.stringify(await ask(params))
  }
  const number = Number((await ask(params)).result?.number ?? 0) - blocks
  return JSON.stringify(await ask([`0x${Math.max(0, number).toString(16)}`, false]))
}

async function answer(
  response: ServerResponse,
  target: string,
  request: { body: string; method: string; params: readonly unknown[] },
  behaviour: Behaviour,
): Promise<void> {
  switch (behaviour.kind) {
    case 'down':
      response.destroy()
      return
    case 'silent':
      return
    case 'text':
      response.writeHead(behaviour.status ?? 200, behaviour.headers).end(behaviour.text)
      return
    case 'endless':
      sendEndlessly(response)
      return
    case 'refusing':
      if (request.method !== behaviour.method) return await answer(response, target, request, HONEST)
      response.end('{"error":{"code":-32005,"message":"block range too large"}}')
      return
    case 'limiting':
      if (!hasMoreBlocks(request, behaviour.logBlocksMax)) return await answer(response, target, request, HONEST)
      response.end('{"error":{"code":-32005,"message":"block range too large"}}')
      return
    case 'elsewhere':
      return await answer(response, behaviour.target, request, HONEST)
    case 'slow':
      behaviour.delay()
      return await answer(response, target, request, HONEST)
    case 'stale':
      response.end(await staleAnswer(target, request, behaviour.blocks))
      return
    case 'denying':
    case 'honest':
    case 'stopping':
    case 'lying': {
      const headers = { 'content-type': 'application/json' }
      const reply = await fetch(target, { method: 'POST', body: request.body, headers })
      const json = (await reply.json()) as { result?: unknown }
      if (behaviour.kind === 'lying') json.result = behaviour.lie(request.method, json.result, request.params)
      const isDenied = behaviour.kind === 'denying' && behaviour.method === request.method
      const told = isDenied ? { ...json, result: undefined, error: { code: -32000, message: behaviour.message } } : json
      response.writeHead(200, headers).end(JSON.stringify(told))
    }
  }
}

function sendEndlessly(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const chunk = `"${'0'.repeat(65_536)}`
  const more = () => {
    while (!response.destroyed && response.write(chunk)) {}
  }
  response.on('drain', more)
  more()
}
