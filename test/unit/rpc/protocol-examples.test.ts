// The pages of docs/protocol show what was really asked and answered: whoever changes an answer changes the page. To write the
// pages anew: vitest run --project unit test/unit/rpc/protocol-examples.test.ts -u
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { JsonValue } from '../../../src/protocol/json.ts'
import { EXAMPLES, SEED_REQUEST } from './protocol-examples.ts'
import { createProtocolNetwork, type ProtocolReply } from './protocol-network.ts'

const pages = globSync('docs/protocol/*.md').map((page) => resolve(page))
/** A name, and what follows it up to the end of its block. */
const BLOCK = /<!-- example: ([^>]+) -->\n```text\n[\s\S]*?```\n/g
const blocks = new Map<string, string>()

beforeAll(async () => {
  await using protocol = await createProtocolNetwork()
  for (const { name, asked, method, params } of EXAMPLES) {
    const request = { method, params }
    blocks.set(name, block(name, 'POST /storage_rpc/v1', request, await protocol.call(request, asked)))
  }
  const list = await protocol.post('/json_rpc', JSON.stringify(SEED_REQUEST))
  blocks.set('get_n_service_nodes', block('get_n_service_nodes', 'POST /json_rpc', SEED_REQUEST, list))
})

test.each(pages)('%s shows requests and answers as they are', async (page) => {
  const text = readFileSync(page, 'utf8')
  const current = text.replace(BLOCK, (_, name: string) => blocks.get(name) ?? `No example is called ${name}\n`)
  await expect(current).toMatchFileSnapshot(page)
})

test('every example is on exactly one page', () => {
  const shown = pages.flatMap((page) => [...readFileSync(page, 'utf8').matchAll(BLOCK)].map(([, name]) => name))
  expect(shown.toSorted()).toEqual([...blocks.keys()].toSorted())
})

function block(name: string, route: string, request: object, { body, contentType, status }: ProtocolReply): string {
  const answer = typeof body === 'string' ? body : layOut(body)
  const asked = layOut(JSON.parse(JSON.stringify(request)) as JsonValue)
  return `<!-- example: ${name} -->\n\`\`\`text\n${route}\n\n${asked}\n\n${status} ${contentType}\n\n${answer}\n\`\`\`\n`
}

const LINE_MAX = 150

/** Indented JSON, in which what fits a line stays on it. */
function layOut(value: JsonValue, indent = ''): string {
  const short = JSON.stringify(value)
  if (typeof value !== 'object' || value === null || indent.length + short.length <= LINE_MAX) return spaced(value)
  const inner = `${indent}  `
  if (isList(value)) return `[\n${value.map((item) => inner + layOut(item, inner)).join(',\n')}\n${indent}]`
  const entries = Object.entries(value).map(
    ([key, item]) => `${inner}${JSON.stringify(key)}: ${layOut(item ?? null, inner)}`,
  )
  return `{\n${entries.join(',\n')}\n${indent}}`
}

/** On one line, with spaces where one reads them. */
function spaced(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isList(value)) return `[${value.map(spaced).join(', ')}]`
  const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${spaced(item ?? null)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
