export interface PlacesOptions {
  /** Requests to outside servers under way. */
  readonly requestsMax: number
  /** Of these, requests to one server. */
  readonly serverRequestsMax: number
}

export interface Places {
  readonly taken: number
  /** Takes a place for a request to `server`, which the returned function gives back; undefined when there is none. */
  take(server: string): (() => void) | undefined
}

/** Bounds the requests under way, so that a slow server holds up no other, and no server gets a flood from here. */
export function createPlaces({ requestsMax, serverRequestsMax }: PlacesOptions): Places {
  const counts = new Map<string, number>()
  let total = 0

  const giveBack = (server: string) => {
    total--
    const count = (counts.get(server) ?? 1) - 1
    if (count === 0) counts.delete(server)
    else counts.set(server, count)
  }

  return {
    get taken() {
      return total
    },
    take(server) {
      const count = counts.get(server) ?? 0
      if (total >= requestsMax || count >= serverRequestsMax) return undefined
      total++
      counts.set(server, count + 1)
      return () => giveBack(server)
    },
  }
}
