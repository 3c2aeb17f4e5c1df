import fc from 'fast-check'
import { type AbiEvent, encodeAbiParameters, encodeEventTopics } from 'viem'
import { describe, expect, test } from 'vitest'
import { rewardRatePoolAbi, serviceNodeRewardsAbi } from '../../../../src/staking/abi.ts'
import { type ChainLog, type Hex, parseLogs } from '../../../../src/staking/chain-reply.ts'
import { StakingError } from '../../../../src/staking/errors.ts'
import { decodeLog, LEDGER_TOPICS } from '../../../../src/staking/rewards/log-codec.ts'

const CONTRACT: Hex = `0x${'c0'.repeat(20)}`
const POOL: Hex = `0x${'b0'.repeat(20)}`
const SOURCES = { contract: CONTRACT, pool: POOL }
const OWNER: Hex = `0x${'aa'.repeat(20)}`
const BENEFICIARY: Hex = `0x${'bb'.repeat(20)}`
const PUBKEY = { X: 1n, Y: 2n }
const BLS = `${'1'.padStart(64, '0')}${'2'.padStart(64, '0')}`

/** A log as the chain makes it. */
function aLog(eventName: string, args: Readonly<Record<string, unknown>>, address = CONTRACT): ChainLog {
  const event = [...serviceNodeRewardsAbi, ...rewardRatePoolAbi].find(
    (item) => item.type === 'event' && item.name === eventName,
  ) as AbiEvent
  const inputs = event.inputs.filter((input) => input.indexed !== true)
  const data = encodeAbiParameters(
    inputs,
    inputs.map((input) => args[input.name ?? '']),
  )
  const topics = encodeEventTopics({ abi: [event], args }) as Hex[]
  return { address, topics, data, blockNumber: 5n, blockHash: `0x${'ab'.repeat(32)}`, logIndex: 3n }
}

const REGISTERED = aLog('NewServiceNodeV2', {
  serviceNodeID: 7n,
  initiator: OWNER,
  pubkey: PUBKEY,
  serviceNode: { serviceNodePubkey: 9n, serviceNodeSignature1: 1n, serviceNodeSignature2: 2n, fee: 1234 },
  contributors: [{ staker: { addr: OWNER, beneficiary: BENEFICIARY }, stakedAmount: 25n }],
})
const EXITED = aLog('ServiceNodeExit', { serviceNodeID: 7n, initiator: OWNER, returnedAmount: 24n, pubkey: PUBKEY })
const LIQUIDATED = aLog('ServiceNodeLiquidated', { serviceNodeID: 7n, initiator: OWNER, pubkey: PUBKEY })
const SEEDED = aLog('NewSeededServiceNode', { serviceNodeID: 7n, blsPubkey: PUBKEY, ed25519Pubkey: 9n })
const RELEASED = aLog('FundsReleased', { amount: 11n }, POOL)
const REDIRECTED = aLog('BeneficiaryUpdated', { newBeneficiary: OWNER }, POOL)
const ALL = [REGISTERED, EXITED, LIQUIDATED, SEEDED, RELEASED, REDIRECTED]

const refused = expect.objectContaining({ code: 'PROVIDER_REPLY_MALFORMED' })

describe('a log', () => {
  test('is read for what it says', () => {
    expect(decodeLog(REGISTERED, SOURCES)).toEqual({
      kind: 'registered',
      node: {
        id: 7n,
        bls: BLS,
        feeBasisPoints: 1234,
        contributors: [{ owner: OWNER, beneficiary: BENEFICIARY, stakedAtomic: 25n }],
      },
    })
    expect(decodeLog(EXITED, SOURCES)).toEqual({ kind: 'exited', id: 7n, returnedAtomic: 24n })
    expect(decodeLog(LIQUIDATED, SOURCES)).toEqual({ kind: 'liquidated', id: 7n })
    expect(decodeLog(SEEDED, SOURCES)).toEqual({ kind: 'seeded', id: 7n, bls: BLS })
    expect(decodeLog(RELEASED, SOURCES)).toEqual({ kind: 'released', amountAtomic: 11n })
    expect(decodeLog(REDIRECTED, SOURCES)).toEqual({ kind: 'redirected', paysContract: false })
    const back = aLog('BeneficiaryUpdated', { newBeneficiary: CONTRACT }, POOL)
    expect(decodeLog(back, SOURCES)).toEqual({ kind: 'redirected', paysContract: true })
  })

  test('has the topics of the staking contract’s interface', () => {
    // From the published list of the live contract's events.
    expect(LEDGER_TOPICS.map((topic) => topic.slice(0, 10)).slice(0, 4)).toEqual([
      '0x34be2fa2',
      '0x533c16cb',
      '0x24c44113',
      '0x0bfb1219',
    ])
  })

  test('means nothing when the wrong one of the two contracts emitted it', () => {
    expect(decodeLog({ ...RELEASED, address: CONTRACT }, SOURCES)).toBeUndefined()
    expect(decodeLog({ ...EXITED, address: POOL }, SOURCES)).toBeUndefined()
  })

  test('of a stranger, or of an event that was not asked for, is refused', () => {
    expect(() => decodeLog({ ...EXITED, address: OWNER }, SOURCES)).toThrow(refused)
    expect(() => decodeLog({ ...EXITED, topics: [`0x${'00'.repeat(32)}`] }, SOURCES)).toThrow(refused)
    expect(() => decodeLog({ ...EXITED, topics: [] }, SOURCES)).toThrow(refused)
  })

  test('without an id, with one too large, or with a topic too many, is refused', () => {
    const [topic = '0x'] = EXITED.topics
    const withTopics =
      (...topics: Hex[]) =>
      () =>
        decodeLog({ ...EXITED, topics: [topic, ...topics] }, SOURCES)
    expect(withTopics()).toThrow(refused)
    expect(withTopics(`0x${'00'.repeat(32)}`)).toThrow(refused)
    expect(withTopics(`0x${'01'.repeat(32)}`)).toThrow(refused)
    const id: Hex = `0x${'07'.padStart(64, '0')}`
    expect(withTopics(id, id)).toThrow(refused)
  })

  test('in another than the contract’s own encoding is refused', () => {
    expect(() => decodeLog({ ...EXITED, data: `${EXITED.data}00` }, SOURCES)).toThrow(refused)
    expect(() => decodeLog({ ...EXITED, data: `${EXITED.data}${'00'.repeat(32)}` }, SOURCES)).toThrow(refused)
    // The initiator has twelve bytes in front that must be zero.
    expect(() => decodeLog({ ...EXITED, data: `0x01${EXITED.data.slice(4)}` }, SOURCES)).toThrow(refused)
  })

  test.each(ALL)('cut short anywhere is refused (topic $topics.0)', (log) => {
    for (let end = 2; end < log.data.length; end += 2) {
      expect(() => decodeLog({ ...log, data: log.data.slice(0, end) as Hex }, SOURCES)).toThrow(refused)
    }
  })

  test('with any bytes changed is read or refused, nothing else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ALL), fc.nat(), fc.constantFrom('0', '1', '7', 'f'), (log, at, digit) => {
        const place = 2 + (at % (log.data.length - 2))
        const data = `${log.data.slice(0, place)}${digit}${log.data.slice(place + 1)}` as Hex
        try {
          decodeLog({ ...log, data }, SOURCES)
        } catch (error) {
          expect(error).toBeInstanceOf(StakingError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('an answer to eth_getLogs', () => {
  const rpcLog = (overrides: Readonly<Record<string, unknown>> = {}) => ({
    address: CONTRACT,
    topics: EXITED.topics,
    data: EXITED.data,
    blockNumber: '0x5',
    blockHash: EXITED.blockHash,
    logIndex: '0x3',
    removed: false,
    ...overrides,
  })
  const range = { from: 4n, to: 6n }

  test('is read as it is', () => {
    expect(parseLogs([rpcLog()], range)).toEqual([EXITED])
    expect(
      parseLogs([rpcLog(), rpcLog({ logIndex: '0x4' }), rpcLog({ blockNumber: '0x6', logIndex: '0x0' })], range),
    ).toHaveLength(3)
  })

  test('is refused with a log twice, out of order, of other blocks, or taken back', () => {
    for (const logs of [
      [rpcLog(), rpcLog()],
      [rpcLog({ blockNumber: '0x6' }), rpcLog()],
      [rpcLog({ blockNumber: '0x7' })],
      [rpcLog({ blockNumber: '0x3' })],
      [rpcLog({ removed: true })],
      [rpcLog({ topics: Array(5).fill(EXITED.blockHash) })],
      [rpcLog({ address: '0x12' })],
      [rpcLog({ data: '0x1' })],
    ])
      expect(() => parseLogs(logs, range)).toThrow(refused)
  })

  test('of any form is read or refused, nothing else', () => {
    const anyLog = fc.record(
      Object.fromEntries(
        Object.entries(rpcLog()).map(([key, value]) => [key, fc.oneof(fc.constant(value), fc.jsonValue())]),
      ),
    )
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(anyLog, { maxLength: 3 })), (value) => {
        try {
          parseLogs(value, range)
        } catch (error) {
          expect(error).toBeInstanceOf(StakingError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
