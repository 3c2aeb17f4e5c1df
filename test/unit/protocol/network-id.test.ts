import { encodePacked, keccak256 } from 'viem'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { networkIdOf, peerProtocolId } from '../../../src/protocol/network-id.ts'

const CONTRACT = '0xC2B9fC251aC068763EbDfdecc792E3352E351c00'

test('a network id is the hash of its domain, chain and contract', () => {
  for (const chainId of [1, 42_161, 421_614, Number.MAX_SAFE_INTEGER]) {
    const packed = encodePacked(['string', 'uint256', 'address'], ['starling-network', BigInt(chainId), CONTRACT])
    expect(networkIdOf(chainId, CONTRACT)).toBe(keccak256(packed).slice(2))
  }
})

test('the case of the address does not matter', () => {
  expect(networkIdOf(42_161, '0xc2b9fc251ac068763ebdfdecc792e3352e351c00')).toBe(networkIdOf(42_161, CONTRACT))
})

test('libp2p protocols carry the first digits of the network id', () => {
  const id = networkIdOf(42_161, CONTRACT)
  expect(peerProtocolId(id, 'forward')).toBe(`/starling/${id.slice(0, 8)}/forward/1`)
})

test.for([
  [42_161, '0x'],
  [42_161, '0x00'],
  [42_161, '0xC2B9fC251aC068763EbDfdecc792E3352E351c0g'],
  [-1, CONTRACT],
  [1.5, CONTRACT],
  [2 ** 53, CONTRACT],
  [Number.NaN, CONTRACT],
] as const)('chain %s with contract %s is no network', ([chainId, contract]) => {
  expect(() => networkIdOf(chainId, contract)).toThrow(ProtocolError)
})
