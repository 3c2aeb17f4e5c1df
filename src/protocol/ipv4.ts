/** The four bytes of a dotted IPv4 address, or undefined for any other text, such as one with leading zeros. */
export function parseIPv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  const isAddress = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
  return isAddress ? Uint8Array.from(parts, Number) : undefined
}

/** `bytes` are four. */
export function ipv4Text(bytes: Uint8Array): string {
  return bytes.join('.')
}
