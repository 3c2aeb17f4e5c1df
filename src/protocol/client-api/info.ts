/** Ask for the node's clock and version. */
export type InfoRequest = Readonly<Record<never, never>>

export function parseInfoParams(): InfoRequest {
  return {}
}
