import type { CallOptions, CallRunner } from './call-runner.ts'
import { type RevocationReceipt, revokeCall, revokedCall, unrevokeCall } from './calls/revocation.ts'
import type { Owner, SubaccountPass } from './signer.ts'

/** What names a pass to nodes. */
type Token = Pick<SubaccountPass, 'token'>

/** Which passes to an account nodes no longer take. Only its owner may say or ask. */
export class Revocations {
  readonly #runner: CallRunner
  readonly #owner: Owner

  constructor(runner: CallRunner, owner: Owner) {
    this.#runner = runner
    this.#owner = owner
  }

  /** Nodes keep the newest fifty of an account. */
  revoke(passes: readonly Token[], options: CallOptions = {}): Promise<RevocationReceipt> {
    return this.#runner.ask(revokeCall(tokensOf(passes), this.#owner), options)
  }

  unrevoke(passes: readonly Token[], options: CallOptions = {}): Promise<RevocationReceipt> {
    return this.#runner.ask(unrevokeCall(tokensOf(passes), this.#owner), options)
  }

  /** The tokens of revoked passes, by one member's word. */
  list(options: CallOptions = {}): Promise<readonly string[]> {
    return this.#runner.ask(revokedCall(this.#owner), options)
  }
}

function tokensOf(passes: readonly Token[]): readonly string[] {
  return passes.map(({ token }) => token)
}
