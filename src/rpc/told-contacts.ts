import type { ServiceNodeContact, ServiceNodeKey } from '../protocol/service-node.ts'

interface Contacts {
  contact(key: ServiceNodeKey): ServiceNodeContact | undefined
  isReachable?(key: ServiceNodeKey): boolean
}

/** Where more than two thirds would be left out, the fault is more likely on this side. */
const LEFT_MIN = 1 / 3

/**
 * Of these nodes, where clients are told to find them: not those that this node cannot reach itself, unless that would leave
 * fewer than a third.
 */
export function toldContacts(
  keys: readonly ServiceNodeKey[],
  contacts: Contacts,
): ReadonlyMap<ServiceNodeKey, ServiceNodeContact> {
  const known = new Map<ServiceNodeKey, ServiceNodeContact>()
  const reached = new Map<ServiceNodeKey, ServiceNodeContact>()
  for (const key of keys) {
    const contact = contacts.contact(key)
    if (contact === undefined) continue
    known.set(key, contact)
    if (contacts.isReachable?.(key) !== false) reached.set(key, contact)
  }
  return reached.size < known.size * LEFT_MIN ? known : reached
}
