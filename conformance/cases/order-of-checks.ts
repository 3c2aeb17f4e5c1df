import { type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import { at } from '../context.ts'
import { expectEqual, expectObject, expectRefusal } from '../expectations.ts'
import type { ClockRule, MethodForm } from '../method-form.ts'
import { expectStamp } from '../swarm-results.ts'
import { accepted } from './authentication.ts'

// Parameters come first (400), then the swarm (421), then times (406, 401, 403), then the signature (401).

export function orderCases(form: MethodForm): readonly ConformanceCase[] {
  return [
    ...(form.inSwarm ? wrongSwarm(form) : []),
    ...(form.clock ?? []).map((rule) => clockCase(form, rule)),
    ...clockBeforeSignature(form),
  ]
}

function wrongSwarm(form: MethodForm): readonly ConformanceCase[] {
  const write = casesOf(form.method)
  return [
    write.error(
      'sends an account of another swarm to its own: 421 with the body of get_swarm',
      async (context) => {
        const account = context.foreignAccount()
        const refused = await context.ask(form.method, form.params(account, context.nowMs()))
        const told = await context.ask('get_swarm', { pubkey: account.account })
        expectEqual('status', refused.status, 421)
        const body = expectObject('body', refused.body)
        expectStamp(context, body)
        expectEqual('snodes', body['snodes'], at(told.body, 'snodes'))
        expectEqual('swarm', body['swarm'], at(told.body, 'swarm'))
        expectEqual('keys', Object.keys(body).sort(), ['hf', 'snodes', 'swarm', 't'])
      },
      { refusals: ['421'] },
    ),
    write.error('looks at parameters before it looks whose account it is', async (context) => {
      const params = form.params(context.foreignAccount(), context.nowMs())
      const field = form.required.find((name) => name !== 'pubkey')
      if (field === undefined) return
      const answer = await context.ask(form.method, { ...params, [field]: undefined })
      expectRefusal(answer, 400, `invalid request: Required field '${field}' missing`)
    }),
    ...(form.authentication === undefined
      ? []
      : [
          write.error('looks whose account it is before it looks at clock and signature', async (context) => {
            const account = context.foreignAccount()
            const params = form.params(account, context.nowMs() - 1_000_000)
            const { status } = await context.ask(form.method, { ...params, ...account.authenticate('something else') })
            expectEqual('status', status, 421)
          }),
        ]),
  ]
}

function clockCase(form: MethodForm, { offsetMs, refusal }: ClockRule): ConformanceCase {
  const write = casesOf(form.method)
  const seconds = Math.abs(offsetMs) / 1000
  const moment = `a moment ${seconds} s ${offsetMs < 0 ? 'ago' : 'ahead'}`
  if (refusal === undefined) {
    return write.boundary(`takes ${moment}`, async (context) => {
      const nowMs = context.nowMs() + offsetMs
      await accepted({ ...form, params: (signer) => form.params(signer, nowMs) }, context, context.account())
    })
  }
  const [status, text] = refusal
  return write.boundary(
    `refuses ${moment}`,
    async (context) => {
      const params = form.params(context.account(), context.nowMs() + offsetMs)
      expectRefusal(await context.ask(form.method, params), status, text)
    },
    { refusals: [refusalKey(status, text)] },
  )
}

function clockBeforeSignature(form: MethodForm): readonly ConformanceCase[] {
  const rule = form.clock?.find(({ refusal }) => refusal !== undefined)
  if (rule?.refusal === undefined || form.authentication === undefined) return []
  const [status, text] = rule.refusal
  return [
    casesOf(form.method).error('looks at the clock before it looks at the signature', async (context) => {
      const account = context.account()
      const params = form.params(account, context.nowMs() + rule.offsetMs)
      const answer = await context.ask(form.method, { ...params, ...account.authenticate('something else') })
      expectRefusal(answer, status, text)
    }),
  ]
}
