import type { MethodName } from '../src/protocol/client-api/methods.ts'
import type { Aspect, ConformanceCase } from './case.ts'

// What the cases must be about. A method without a line here does not compile, and a line without a case fails the test.

export interface MethodCoverage {
  readonly aspects: readonly Aspect[]
  /** Every refusal that the protocol names for the method, as status, space, and text. */
  readonly refusals: readonly string[]
}

const malformed = (...texts: readonly string[]) => texts.map((text) => `400 invalid request: ${text}`)
const missing = (...fields: readonly string[]) =>
  malformed(...fields.map((field) => `Required field '${field}' missing`))
const wrongType = (type: string, ...fields: readonly string[]) =>
  malformed(...fields.map((field) => `Invalid value given for '${field}': expected ${type}`))
const seconds = (field: string) => malformed(`Invalid timestamp for '${field}': timestamp must be in milliseconds`)

const TIMESTAMP = 'integer timestamp (in milliseconds)'
const OUT_OF_RANGE = malformed("Invalid value given for 'namespace': value out of range")
const NAMESPACE = [...wrongType('16-bit integer', 'namespace'), ...OUT_OF_RANGE]
const NAMESPACE_OR_ALL = [...wrongType('integer or "all"', 'namespace'), ...OUT_OF_RANGE]
const ACCOUNT = [
  ...missing('pubkey'),
  ...wrongType('string', 'pubkey'),
  ...malformed('Pubkey must be 66 hex digits (33 bytes) long'),
]
const SIGNED = [
  ...ACCOUNT,
  ...wrongType('string', 'signature', 'pubkey_ed25519'),
  ...malformed(
    'invalid signature: expected base64 encoded Ed25519 signature',
    'pubkey_ed25519 is only permitted for 05[...] pubkeys',
    'Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey',
    'invalid pubkey_ed25519: value is not hex',
  ),
  '421',
]
const SUBACCOUNT = [
  ...SIGNED,
  ...wrongType('string', 'subaccount', 'subaccount_sig'),
  ...malformed(
    'invalid subaccount: expected base64 or hex-encoded subaccount token',
    'invalid subaccount: subaccount_sig is required when using subaccount',
    'invalid subaccount signature: expected base64 encoded Ed25519 signature',
  ),
]
const timed = (field: string) => [...missing(field), ...wrongType(TIMESTAMP, field), ...seconds(field)]
const hashes = (bad: boolean) => [
  ...missing('messages'),
  ...wrongType('string array', 'messages'),
  ...malformed('messages does not contain any message hashes'),
  ...(bad ? malformed(`invalid message hash: ${'A'.repeat(42)}`) : []),
]
const composite = [
  ...malformed(
    'Invalid batch request: no valid "requests" field',
    'Invalid batch request: subrequest limit exceeded',
    'Invalid batch request: requests must be objects',
    'Invalid batch request: subrequests must have method/params keys',
    'Invalid batch subrequest: invalid method "fly"',
    'Invalid batch subrequest: subrequests may not contain meta-requests',
  ),
]

const ALL: readonly Aspect[] = ['success', 'error', 'boundary', 'signature']
/** Of a method that nobody signs. */
const UNSIGNED: readonly Aspect[] = ['success', 'error', 'boundary']

export const COVERAGE: Readonly<Record<MethodName, MethodCoverage>> = {
  active_nodes_bin: { aspects: UNSIGNED, refusals: ['400 invalid json: no `params` field'] },
  batch: { aspects: ALL, refusals: composite },
  delete: {
    aspects: ALL,
    refusals: [
      ...SUBACCOUNT,
      ...hashes(true),
      ...wrongType('boolean', 'required'),
      ...missing('signature'),
      '404',
      '401 delete_msgs signature verification failed',
    ],
  },
  delete_all: {
    aspects: ALL,
    refusals: [
      ...SUBACCOUNT,
      ...NAMESPACE_OR_ALL,
      ...timed('timestamp'),
      ...missing('signature'),
      '406 delete_all timestamp too far from current time',
      '401 delete_all signature verification failed',
    ],
  },
  delete_before: {
    aspects: ALL,
    refusals: [
      ...SUBACCOUNT,
      ...NAMESPACE_OR_ALL,
      ...timed('before'),
      ...missing('signature'),
      '401 delete_before timestamp too far in the future',
      '401 delete_before signature verification failed',
    ],
  },
  expire: {
    aspects: ALL,
    refusals: [
      ...SUBACCOUNT,
      ...hashes(true),
      ...missing('expiry', 'signature'),
      ...wrongType('timestamp array', 'expiry'),
      ...wrongType('boolean', 'shorten', 'extend'),
      ...seconds('expiry'),
      ...malformed(
        "'expiry' does not contain any expiration timestamps",
        "cannot specify both 'shorten' and 'extend'",
        "'expiry' must be a single expiry, or the same length as 'messages'",
      ),
      '400 expire: shorten parameter cannot be used with this subaccount token (missing delete access)',
      '401 expire: timestamp should be >= current time',
      '401 expire: signature verification failed',
    ],
  },
  expire_all: {
    aspects: ALL,
    refusals: [
      ...SUBACCOUNT,
      ...NAMESPACE_OR_ALL,
      ...timed('expiry'),
      ...missing('signature'),
      '406 expire_all timestamp should be >= current time',
      '401 expire_all signature verification failed',
    ],
  },
  get_expiries: {
    aspects: ALL,
    refusals: [
      ...SUBACCOUNT,
      ...hashes(false),
      ...timed('timestamp'),
      ...missing('signature'),
      '406 get_expiries timestamp too far from current time',
      '401 get_expiries signature verification failed',
    ],
  },
  get_swarm: {
    aspects: UNSIGNED,
    refusals: [
      ...missing('pubkey'),
      ...wrongType('string', 'pubkey'),
      ...malformed('Pubkey must be 66 hex digits/33 bytes long'),
    ],
  },
  ifelse: {
    aspects: UNSIGNED,
    refusals: [...wrongType('integer array', 'hf_at_least'), ...wrongType('integer', 'height_at_least')],
  },
  info: { aspects: UNSIGNED, refusals: ['400 invalid json: no `params` field'] },
  monitor: {
    aspects: ALL,
    refusals: [
      ...missing('s', 't', 'n'),
      ...malformed(
        "Exactly one of 'P' and 'p' is required",
        "'S' and 'T' are required together",
        'At least one namespace is required',
        'Namespaces must be strictly ascending',
        'A namespace is out of range',
        "Invalid value given for 'last': expected message hashes",
      ),
      '406 monitor timestamp too far from current time',
      '401 monitor signature verification failed',
      '421',
    ],
  },
  oxend_request: {
    aspects: UNSIGNED,
    refusals: [
      ...missing('endpoint'),
      ...wrongType('string', 'endpoint'),
      ...malformed("Invalid oxend endpoint 'get_blocks'"),
      '400 ons_resolve is not supported: this network has no name service',
    ],
  },
  retrieve: {
    aspects: ALL,
    refusals: [
      ...SUBACCOUNT,
      ...NAMESPACE,
      ...timed('timestamp'),
      ...missing('signature'),
      ...wrongType('string', 'last_hash'),
      ...wrongType('integer', 'max_count', 'max_size'),
      ...wrongType('boolean', 'reverse_direction'),
      ...malformed('Invalid last_hash: not base64', 'Invalid last_hash: expected base64 (43 chars)'),
      '401 retrieve: request signature required',
      '401 retrieve signature verification failed',
      '406 retrieve timestamp too far from current time',
    ],
  },
  revoke_subaccount: {
    aspects: ALL,
    refusals: [
      ...SIGNED,
      ...timed('timestamp'),
      ...missing('signature', 'revoke'),
      ...wrongType('string array', 'revoke'),
      ...malformed('invalid revoke: cannot revoke more than 50 subaccounts at once'),
      '401 revoke_subaccount signature verification failed',
      '406 revoke_subaccount timestamp too far from current time',
    ],
  },
  revoked_subaccounts: {
    aspects: ALL,
    refusals: [
      ...SIGNED,
      ...timed('timestamp'),
      ...missing('signature'),
      '401 revoked_subaccounts signature verification failed',
      '406 revoked_subaccounts timestamp too far from current time',
    ],
  },
  sequence: { aspects: ALL, refusals: composite },
  store: {
    aspects: ALL,
    refusals: [
      ...SUBACCOUNT,
      ...NAMESPACE,
      ...timed('timestamp'),
      ...wrongType(TIMESTAMP, 'expiry', 'sig_timestamp'),
      ...seconds('expiry'),
      ...seconds('sig_timestamp'),
      ...missing('data'),
      ...wrongType('string', 'data'),
      ...wrongType('positive integer', 'ttl'),
      ...malformed(
        "Required field 'expiry' or 'ttl' missing",
        "Cannot specify both 'expiry' and 'ttl'",
        'Invalid value given for \'timestamp\': "12x"',
        'Invalid value given for \'ttl\': "1.5"',
        "Invalid 'data' value: not base64 encoded",
        'Message body exceeds maximum allowed length of 76800 bytes',
      ),
      '401 store: signature required to store to namespace 1',
      '401 store signature verification failed',
      '403 Provided expiry/TTL is not valid.',
      '406 Timestamp error: check your clock',
      '406 store signature timestamp too far from current time',
    ],
  },
  unrevoke_subaccount: {
    aspects: ALL,
    refusals: [
      ...SIGNED,
      ...timed('timestamp'),
      ...missing('signature', 'unrevoke'),
      ...wrongType('string array', 'unrevoke'),
      '401 unrevoke_subaccount signature verification failed',
      '406 unrevoke_subaccount timestamp too far from current time',
    ],
  },
}

/** Refusals outside of methods: of requests as such, of the HTTPS surface, and on an onion's path. */
const SURFACE: Readonly<Record<string, readonly string[]>> = {
  request: [
    '400 invalid json',
    '400 invalid json: no `method` field',
    '400 invalid json: no `params` field',
    '400 no method fly',
  ],
  https: [
    '404 GET / Not Found',
    '410 long polling is no longer supported, client upgrade required',
    '413 Request body too large',
  ],
  onion: [
    '400 Error parsing onion request: ',
    '400 Invalid ciphertext',
    '400 onion request max path length exceeded',
    '502 Next node not found: ',
    '400 Invalid json',
    '400 Invalid url',
  ],
}

/** What these cases leave out; empty when there is a case for everything. */
export function missingCoverage(cases: readonly ConformanceCase[]): readonly string[] {
  const bySubject = Map.groupBy(cases, ({ subject }) => subject)
  const missingOf = (subject: string, aspects: readonly Aspect[], refusals: readonly string[]) => {
    const own = bySubject.get(subject) ?? []
    const expected = new Set(own.flatMap((one) => one.refusals))
    return [
      ...aspects.filter((aspect) => !own.some((one) => one.aspect === aspect)).map((aspect) => `${subject}: ${aspect}`),
      ...refusals.filter((refusal) => !expected.has(refusal)).map((refusal) => `${subject}: ${refusal}`),
    ]
  }
  return [
    ...Object.entries(COVERAGE).flatMap(([method, { aspects, refusals }]) => missingOf(method, aspects, refusals)),
    ...Object.entries(SURFACE).flatMap(([subject, refusals]) => missingOf(subject, ['success', 'error'], refusals)),
  ]
}
