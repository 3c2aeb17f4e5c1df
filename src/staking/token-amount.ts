/** An amount of tokens or ether in whole units, exactly: "25000", "0.5". */
export function wholeUnits(atomic: bigint, decimals: number): string {
  const digits = atomic.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return fraction === '' ? whole : `${whole}.${fraction}`
}

/** The opposite of `wholeUnits`. Undefined for anything that is no amount, or finer than the token can be divided. */
export function parseWholeUnits(text: string, decimals: number): bigint | undefined {
  const [, whole, fraction = ''] = /^([0-9]{1,60})(?:\.([0-9]{1,60}))?$/.exec(text) ?? []
  if (whole === undefined || fraction.length > decimals) return undefined
  return BigInt(whole + fraction.padEnd(decimals, '0'))
}
