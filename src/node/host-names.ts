import { isIP } from 'node:net'

// A page of somebody else's may have a name of its own lead to this machine, and read what is answered under it as if it were its own
// server's. The Host of a request is the name that was asked for.

/** An address, or a name that leads to the same machine wherever it is asked for: nobody else can have it lead here. */
export function isOwnName(host: string): boolean {
  const { v6, name } = partsOf(host)
  if (v6 !== undefined) return isIP(v6) === 6
  return isIP(name) === 4 || name === 'localhost' || name.endsWith('.localhost')
}

/** Such a name; or one without a dot, as machines and containers beside this one have it, and no web site; or none, as no browser asks. */
export function isNearName(host: string): boolean {
  if (isOwnName(host)) return true
  const { v6, name } = partsOf(host)
  return v6 === undefined && /^[a-z0-9_-]*$/i.test(name)
}

function partsOf(host: string): { readonly v6: string | undefined; readonly name: string } {
  const [, v6, name] = /^(?:\[(.+)\]|([^:]*))(?::\d+)?$/.exec(host) ?? []
  return { v6, name: name ?? '.' }
}
