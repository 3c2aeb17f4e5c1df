// Requests and answers that are nearly right: the examples with something changed.
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../../src/protocol/json.ts'
import { EXAMPLES } from './protocol-examples.ts'
import type { Asked, MethodRequest } from './protocol-network.ts'
import { anAccount, START_MS } from './rpc-fixture.ts'

const alice = anAccount(1)
const HASH = 'a1B2'.repeat(11).slice(0, 43)

/** What any parameter may be replaced by. */
const VALUES: readonly JsonValue[] = [
  ...[null, true, false, '', 'abc', 'all', '0', '60000', String(START_MS), '!'.repeat(43), {}, []],
  ...[0, 1, -1, 5, 1.5, -10, -11, -21, -3741, 32_768, -32_769, 999_999_999, 1e10, START_MS, START_MS + 1, 2 ** 60],
  ...[
    alice.id,
    alice.groupId,
    alice.id.toUpperCase(),
    `05${alice.ed25519}`,
    alice.ed25519,
    alice.ed25519.toUpperCase(),
  ],
  ...[HASH, [HASH], [HASH, HASH], [HASH, 5], ['abc'], [START_MS], [START_MS, START_MS], [5], [-1], [1, 'x']],
  ...[
    'A'.repeat(86),
    `${'A'.repeat(86)}==`,
    `${'A'.repeat(86)}=`,
    'A'.repeat(48),
    '00'.repeat(36),
    'AAA=',
    'AAAAA',
    'A-_A',
  ],
  ...[Array(1001).fill(HASH), Array(51).fill('A'.repeat(48)), 'A'.repeat(102_404), ['A'.repeat(48), '0'.repeat(72)]],
  ...[
    [{ method: 'info', params: {} }],
    [{ method: 'info' }],
    ['info'],
    [{ method: 'batch', params: { requests: [] } }],
  ],
  ...[
    Array(21).fill({ method: 'info', params: {} }),
    [{ method: 'nothing', params: {} }],
    { method: 'info', params: {} },
  ],
  ...[
    { method: 'info', params: 5 },
    { hf_before: 20 },
    { v_at_least: [1, 2, 3, 4] },
    { height_before: 'x' },
    { hf_before: [] },
  ],
  ...[
    'get_service_nodes',
    'ons_resolve',
    { limit: 1 },
    [{ method: 'oxend_request', params: { endpoint: 'ons_resolve' } }],
  ],
]

const FIELDS = [
  ...new Set([...EXAMPLES.flatMap(({ params }) => Object.keys(params)), 'pubKey', 'lastHash', 'last_hash', 'expiry']),
]
const MORE_FIELDS = [
  'max_count',
  'max_size',
  'reverse_direction',
  'shorten',
  'else',
  'sig_timestamp',
  'namespace',
  'subaccount',
]

const change = fc.record({
  field: fc.constantFrom(...FIELDS, ...MORE_FIELDS),
  how: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...VALUES).map((value) => ({ value })) },
    { weight: 1, arbitrary: fc.constant('left out' as const) },
  ),
})

/** An example's request with up to three of its parameters changed, or its method. */
export const changedRequests: fc.Arbitrary<MethodRequest & { readonly asked: Asked }> = fc
  .record({
    example: fc.constantFrom(...EXAMPLES),
    // Mostly parameters that the method has; a few that it has not.
    changes: fc.array(change, { minLength: 1, maxLength: 3 }),
    own: fc.array(fc.tuple(fc.nat(20), change), { maxLength: 2 }),
    asked: fc.constantFrom<Asked>('member', 'member', 'outsider'),
    alias: fc.boolean(),
  })
  .map(({ alias, asked, changes, example, own }) => {
    const params: Record<string, JsonValue> = { ...(example.params as JsonObject) } as Record<string, JsonValue>
    const names = Object.keys(params)
    const toOwn = own.flatMap(([at, { how }]) =>
      names.length === 0 ? [] : [{ field: names[at % names.length] ?? '', how }],
    )
    for (const { field, how } of [...toOwn, ...changes.slice(toOwn.length === 0 ? 0 : 2)]) {
      if (how === 'left out') delete params[field]
      else params[field] = how.value
    }
    const method = alias && example.method === 'get_swarm' ? 'get_snodes_for_pubkey' : example.method
    return { method, params, asked }
  })

/** What no schema says of a request that it takes. */
const BEYOND_SCHEMAS = [
  /'expiry' must be a single expiry, or the same length as 'messages'$/,
  /^store: namespace -3741 is reserved for testing$/,
  /^expire: shorten parameter cannot be used with this subaccount token/,
  /^ons_resolve is not supported/,
  // Fields of a subscription that depend on one another, and keys that are no points of the curve.
  /^invalid request: (Exactly one of 'P' and 'p' is|'S' and 'T' are) required/,
  /^invalid request: Namespaces must be strictly ascending$/,
  /^invalid request: Invalid value given for '(P|last)'/,
  // A negative namespace that is no public outbox.
  /^invalid request: Required field '(signature|timestamp)' missing$/,
]

export function isBeyondSchemas(text: string): boolean {
  return BEYOND_SCHEMAS.some((pattern) => pattern.test(text))
}

/** What answers may lack: what is then left is an answer too. Paths begin with the method, and have spaces since hashes have slashes. */
const OPTIONAL = [
  /^store hash$/,
  /^store swarm \w+ (already|t)$/,
  /^expire swarm \w+ unchanged$/,
  /^ifelse result$/,
  /^monitor ~$/,
  /^oxend_request result service_node_states 0 (?!requested)/,
  // Entries of maps: members, namespaces, hashes.
  / swarm \w+$/,
  / (expiries|unchanged|deleted|updated) \S+$/,
]

/** A value at which the document stops: what is inside a batch is another method's answer. */
const OPAQUE = / (body|snodes [1-9]\d*)$/

/** Answers that are wrong in one place: with a field more, or without or with another name for one that it has, at any depth. */
export function misshapen(path: string, answer: JsonValue): readonly JsonValue[] {
  if (typeof answer !== 'object' || answer === null || OPAQUE.test(path)) return []
  if (isList(answer)) {
    return misshapen(`${path} 0`, answer[0] ?? null).map((first) => [first, ...answer.slice(1)])
  }
  const changed = Object.keys(answer).flatMap((key) => changedAt(`${path} ${key}`, answer, key))
  return [{ ...answer, added: 1 }, ...changed]
}

function changedAt(path: string, answer: JsonObject, key: string): readonly JsonObject[] {
  const { [key]: value = null, ...rest } = answer
  const without = OPTIONAL.some((pattern) => pattern.test(path)) ? [] : [rest]
  const inside = misshapen(path, value).map((inner) => ({ ...answer, [key]: inner }))
  return [...without, { ...rest, [`${key}_`]: value }, ...inside]
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
