/** Bytes that nobody can guess. A key's worth: the platform's source gives at most 65,536 at once. */
export function secureRandomBytes(size: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(size))
}
