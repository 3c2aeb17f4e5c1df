import type { JsonObject } from '../../src/protocol/json.ts'
import { type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectOk, expectRefusal } from '../expectations.ts'
import type { MethodForm } from '../method-form.ts'
import { revocationParams } from '../requests.ts'
import { signingKeyFromSeed } from '../signing-key.ts'
import { ANY_PREFIX, DELETE, READ, type Subaccount, signatureOf, type TestAccount, WRITE } from '../test-account.ts'
import { accepted } from './authentication.ts'

// What follows from what a subaccount needs to use a method.

const ALL_FLAGS = READ | WRITE | DELETE
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [READ, 'read'],
  [WRITE, 'write'],
  [DELETE, 'delete'],
]

const FORMAT_REFUSALS: readonly (readonly [name: string, text: string, change: JsonObject])[] = [
  [
    'a token of other than 36 bytes',
    'invalid subaccount: expected base64 or hex-encoded subaccount token',
    { subaccount: 'AAAA' },
  ],
  [
    'a token that is neither base64 nor hex',
    'invalid subaccount: expected base64 or hex-encoded subaccount token',
    { subaccount: '?'.repeat(48) },
  ],
  [
    'a token without its signature',
    'invalid subaccount: subaccount_sig is required when using subaccount',
    { subaccount_sig: undefined },
  ],
  [
    'a token’s signature that is none',
    'invalid subaccount signature: expected base64 encoded Ed25519 signature',
    { subaccount_sig: 'x' },
  ],
]

export function subaccountCases(form: MethodForm): readonly ConformanceCase[] {
  const { authentication } = form
  if (authentication === undefined) return []
  const { access, refusal } = authentication
  return access === undefined ? [ownerOnly(form, refusal)] : [...taken(form, access), ...refused(form, access, refusal)]
}

function taken(form: MethodForm, access: number): readonly ConformanceCase[] {
  const write = casesOf(form.method)
  const by = (name: string, subaccountOf: (context: CaseContext) => Subaccount) =>
    write.signature(`takes a subaccount ${name}`, (context) => accepted(form, context, subaccountOf(context)))
  return [
    by(`that has the flags it needs, and no others`, (context) => context.account('group').subaccount(access)),
    by('of a Session id, which is vouched for by its Ed25519 key', (context) => context.account().subaccount(access)),
    by('whose token is written as hex', (context) => context.account('group').subaccount(access, { form: 'hex' })),
    by('for any prefix', (context) => context.account('group').subaccount(access | ANY_PREFIX, { prefix: 5 })),
  ]
}

function refused(form: MethodForm, access: number, refusal: string): readonly ConformanceCase[] {
  const write = casesOf(form.method)
  const by = (name: string, paramsOf: (owner: TestAccount, context: CaseContext) => JsonObject | Promise<JsonObject>) =>
    write.signature(
      `refuses a subaccount ${name}`,
      async (context) => {
        const params = await paramsOf(context.account('group'), context)
        expectRefusal(await context.ask(form.method, params), 401, refusal)
      },
      { refusals: [refusalKey(401, refusal)] },
    )
  const signedBy = (subaccountOf: (owner: TestAccount) => Subaccount) => (owner: TestAccount, context: CaseContext) =>
    form.params(subaccountOf(owner), context.nowMs())
  return [
    ...FLAG_NAMES.filter(([flag]) => (access & flag) !== 0).map(([flag, name]) =>
      by(
        `that may not ${name}`,
        signedBy((owner) => owner.subaccount(ALL_FLAGS & ~flag)),
      ),
    ),
    by(
      'of another prefix',
      signedBy((owner) => owner.subaccount(access, { prefix: 5 })),
    ),
    by(
      'that the owner did not vouch for',
      signedBy((owner) => owner.subaccount(access, { owner: signingKeyFromSeed(new Uint8Array(32).fill(7)) })),
    ),
    by('for which the owner signs the request', (owner, context) => {
      const subaccount = owner.subaccount(access)
      const signer = { ...subaccount, authenticate: mixed(subaccount, owner) }
      return form.params(signer, context.nowMs())
    }),
    by('that was revoked', async (owner, context) => {
      const subaccount = owner.subaccount(access)
      const revocation = revocationParams('revoke_subaccount', owner, context.nowMs(), [subaccount.token])
      expectOk(await context.ask('revoke_subaccount', revocation))
      return form.params(subaccount, context.nowMs())
    }),
    ...FORMAT_REFUSALS.map(([name, text, change]) =>
      write.malformed(`refuses ${name}`, text, (context) => ({
        ...form.params(context.account('group').subaccount(access), context.nowMs()),
        ...change,
      })),
    ),
  ]
}

/** A subaccount's fields, but the owner's signature. */
function mixed(subaccount: Subaccount, owner: TestAccount): Subaccount['authenticate'] {
  return (signed) => ({ ...subaccount.authenticate(signed), signature: signatureOf(owner.key, signed) })
}

function ownerOnly(form: MethodForm, refusal: string): ConformanceCase {
  return casesOf(form.method).signature(
    'is for the owner alone: a subaccount may not ask, whatever its flags',
    async (context) => {
      const subaccount = context.account('group').subaccount(ALL_FLAGS | ANY_PREFIX)
      expectRefusal(await context.ask(form.method, form.params(subaccount, context.nowMs())), 401, refusal)
    },
    { refusals: [refusalKey(401, refusal)] },
  )
}
