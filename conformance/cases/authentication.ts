import { toBase64 } from '../../src/base/bytes.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { type CaseWriter, type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { ExpectationFailed, expectRefusal } from '../expectations.ts'
import type { AuthenticationForm, MethodForm } from '../method-form.ts'
import { type AccountKind, createTestAccount, type Signer } from '../test-account.ts'

// What follows from a method's being signed by an account's owner.

const FORMAT_REFUSALS: readonly (readonly [name: string, text: string, change: JsonObject])[] = [
  [
    'a signature of 85 digits',
    'invalid signature: expected base64 encoded Ed25519 signature',
    { signature: 'A'.repeat(85) },
  ],
  [
    'a signature in hex',
    'invalid signature: expected base64 encoded Ed25519 signature',
    { signature: 'a'.repeat(128) },
  ],
  [
    'a signature in the alphabet for URLs',
    'invalid signature: expected base64 encoded Ed25519 signature',
    { signature: `${'-_'.repeat(43)}==` },
  ],
  [
    'a `pubkey_ed25519` of 62 digits',
    'Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey',
    { pubkey_ed25519: 'a'.repeat(62) },
  ],
  ['a `pubkey_ed25519` that is no hex', 'invalid pubkey_ed25519: value is not hex', { pubkey_ed25519: 'g'.repeat(64) }],
]

const KINDS: readonly (readonly [AccountKind, string])[] = [
  ['session', 'a Session id signed by the Ed25519 key whose X25519 image it is'],
  ['group', 'a group’s account signed by its own key'],
  ['bare', 'an account of prefix 05 whose 32 bytes are themselves an Ed25519 key'],
]

export function authenticationCases(form: MethodForm): readonly ConformanceCase[] {
  const { authentication } = form
  if (authentication === undefined) return []
  const write = casesOf(form.method)
  return [
    ...KINDS.map(([kind, name]) =>
      write.signature(`takes ${name}`, (context) => accepted(form, context, context.account(kind))),
    ),
    write.signature('takes keys in upper case and signatures without padding', async (context) => {
      const params = form.params(context.account(), context.nowMs())
      const signature = String(params['signature']).replace(/=+$/, '')
      await expectTaken(context, form.method, {
        ...params,
        pubkey: String(params['pubkey']).toUpperCase(),
        pubkey_ed25519: String(params['pubkey_ed25519']).toUpperCase(),
        signature,
      })
    }),
    ...wrongSignatures(write, form, authentication),
    ...FORMAT_REFUSALS.map(([name, text, change]) =>
      write.malformed(`refuses ${name}`, text, (context) => ({
        ...form.params(context.account(), context.nowMs()),
        ...change,
      })),
    ),
    write.malformed(
      'takes `pubkey_ed25519` for accounts of prefix 05 only',
      'pubkey_ed25519 is only permitted for 05[...] pubkeys',
      (context) => {
        const account = context.account('group')
        return { ...form.params(account, context.nowMs()), pubkey_ed25519: account.key.publicHex }
      },
    ),
  ]
}

/** Cases of a signature that has the form of one. */
function wrongSignatures(
  write: CaseWriter,
  form: MethodForm,
  authentication: AuthenticationForm,
): readonly ConformanceCase[] {
  const options = { refusals: [refusalKey(401, authentication.refusal)] }
  const refused = (name: string, paramsOf: (context: CaseContext) => JsonObject) =>
    write.signature(
      `refuses ${name}`,
      async (context) => expectRefusal(await context.ask(form.method, paramsOf(context)), 401, authentication.refusal),
      options,
    )
  return [
    refused('a signature of something else', (context) => {
      const account = context.account()
      return { ...form.params(account, context.nowMs()), ...account.authenticate('something else') }
    }),
    refused('a signature by an Ed25519 key that is not the account’s', (context) => {
      const stranger = createTestAccount('session')
      return form.params({ ...stranger, account: context.account().account }, context.nowMs())
    }),
    refused('the signature of a group’s account by somebody else', (context) => {
      const stranger = createTestAccount('group')
      return form.params({ ...stranger, account: context.account('group').account }, context.nowMs())
    }),
    refused('a key that verifies any message', (context) => {
      const signer = universalSigner(context)
      return form.params(signer, context.nowMs())
    }),
    ...Object.keys(authentication.alterations(0)).map((what) =>
      refused(`a request whose ${what} is not what was signed`, (context) => {
        const nowMs = context.nowMs()
        return { ...form.params(context.account(), nowMs), ...authentication.alterations(nowMs)[what] }
      }),
    ),
  ]
}

/** The neutral point as Ed25519 key: with it, one signature is right for all texts if points of small order are taken. */
function universalSigner(context: CaseContext): Signer {
  const neutral = `01${'00'.repeat(31)}`
  const { account } = context.account('session')
  return {
    account,
    authenticate: () => ({
      pubkey_ed25519: neutral,
      signature: toBase64(Buffer.from(neutral + '00'.repeat(32), 'hex')),
    }),
  }
}

export async function accepted(form: MethodForm, context: CaseContext, signer: Signer): Promise<void> {
  await expectTaken(context, form.method, form.params(signer, context.nowMs()))
}

export async function expectTaken(context: CaseContext, method: string, params: JsonObject): Promise<void> {
  const { status, body } = await context.ask(method, params)
  if (status !== 200) throw new ExpectationFailed('status', 200, [status, body])
}
