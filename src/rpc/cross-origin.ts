import type { IncomingMessage } from 'node:http'
import type { HttpAnswer } from './https-routes.ts'
import { textAnswer } from './https-routes.ts'

// Cross-Origin Resource Sharing (fetch.spec.whatwg.org, 3.2): what lets web pages use this node. Any page may, since a page gains
// nothing that any program has not: no request is answered differently for who sends it (there are no cookies, client
// certificates or other authority that a browser adds), and what needs authority carries its signature in the body. The answers
// of programs that are no browsers stay as they are, without one more byte.

const PREFLIGHT_MAX_AGE_S = 86_400

const PREFLIGHT: HttpAnswer = {
  ...textAnswer(200, ''),
  headers: {
    'Access-Control-Allow-Methods': 'POST',
    'Access-Control-Allow-Headers': 'Content-Type',
    'Access-Control-Max-Age': String(PREFLIGHT_MAX_AGE_S),
  },
}

/** Answers a browser that asks whether a page may send something. */
export const PREFLIGHT_ROUTE = { answer: async () => PREFLIGHT }

export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

/** What any answer to a web page carries, refusals too: otherwise the page could not tell them from a broken connection. */
export function crossOriginHeaders({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  return headers.origin === undefined ? {} : CROSS_ORIGIN
}

const CROSS_ORIGIN = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Retry-After',
  Vary: 'Origin',
} as const
