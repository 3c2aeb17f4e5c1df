/** The same memory seen as a Buffer, without a copy. Browsers have no Buffer: not for what the client SDK runs there. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
