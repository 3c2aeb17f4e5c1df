import type { ConformanceCase } from './case.ts'
import { batchCases, ifElseCases, sequenceCases } from './cases/composite.ts'
import { deleteCases } from './cases/delete.ts'
import { envelopeCases } from './cases/envelope.ts'
import { expireCases } from './cases/expire.ts'
import { getExpiriesCases } from './cases/get-expiries.ts'
import { httpsCases, seedCases } from './cases/http-surface.ts'
import { monitorCases } from './cases/monitor.ts'
import { activeNodesBinCases, getSwarmCases, infoCases, oxendRequestCases } from './cases/network.ts'
import { onionCases } from './cases/onion.ts'
import { deleteAllCases, deleteBeforeCases, expireAllCases } from './cases/over-namespaces.ts'
import { retrieveCases } from './cases/retrieve.ts'
import { revokedSubaccountsCases, revokeSubaccountCases, unrevokeSubaccountCases } from './cases/revocation.ts'
import { storeCases } from './cases/store.ts'

/** Every case, in the order of the report. */
export const CASES: readonly ConformanceCase[] = [
  ...storeCases,
  ...retrieveCases,
  ...deleteCases,
  ...deleteAllCases,
  ...deleteBeforeCases,
  ...expireCases,
  ...expireAllCases,
  ...getExpiriesCases,
  ...revokeSubaccountCases,
  ...unrevokeSubaccountCases,
  ...revokedSubaccountsCases,
  ...getSwarmCases,
  ...infoCases,
  ...oxendRequestCases,
  ...activeNodesBinCases,
  ...batchCases,
  ...sequenceCases,
  ...ifElseCases,
  ...monitorCases,
  ...envelopeCases,
  ...httpsCases,
  ...seedCases,
  ...onionCases,
]

/** What cases can be chosen by: methods, and parts of a node's surface. */
export const SUBJECTS: readonly string[] = [...new Set(CASES.map(({ subject }) => subject))]
