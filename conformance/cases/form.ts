import type { ConformanceCase } from '../case.ts'
import type { MethodForm } from '../method-form.ts'
import { authenticationCases } from './authentication.ts'
import { orderCases } from './order-of-checks.ts'
import { parameterCases } from './parameters.ts'
import { subaccountCases } from './subaccounts.ts'

/** Every case that follows from the form of a method. */
export function formCases(form: MethodForm): readonly ConformanceCase[] {
  return [...parameterCases(form), ...authenticationCases(form), ...subaccountCases(form), ...orderCases(form)]
}
