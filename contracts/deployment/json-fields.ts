import { getAddress, type Hex, isAddress, parseUnits } from 'viem'
import { StakingDeploymentError } from './network-parameters.ts'

/** A JSON object whose fields are read once each, and of which none may be left over: a misspelt setting is not a default. */
export class JsonFields {
  readonly #fields: Map<string, unknown>
  readonly #name: string

  /** `name` says in errors what this is. */
  constructor(value: unknown, name: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${name} must be an object`)
    this.#fields = new Map(Object.entries(value))
    this.#name = name
  }

  static parse(text: string, name: string): JsonFields {
    try {
      return new JsonFields(JSON.parse(text), name)
    } catch (error) {
      if (error instanceof SyntaxError) throw invalid(`${name} is not JSON: ${error.message}`)
      throw error
    }
  }

  text(field: string, pattern: RegExp, fallback?: string): string {
    const value = this.#take(field) ?? fallback
    if (typeof value === 'string' && pattern.test(value)) return value
    throw invalid(`${this.#name}: ${field} is missing or malformed`)
  }

  integer(field: string, least: number, fallback?: number): number {
    const value = this.#take(field) ?? fallback
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
    throw invalid(`${this.#name}: ${field} must be a whole number, ${least} or more`)
  }

  /** Whole tokens or parts of them, as decimal text, since JSON's numbers are not exact. */
  amount(field: string, decimals: number, fallback?: bigint): bigint {
    const value = this.#take(field)
    if (value === undefined && fallback !== undefined) return fallback
    const isAmount = typeof value === 'string' && new RegExp(`^\\d{1,30}(\\.\\d{1,${decimals}})?$`).test(value)
    if (isAmount) return parseUnits(value, decimals)
    throw invalid(`${this.#name}: ${field} must be an amount of tokens as text`)
  }

  address(field: string): Hex {
    const value = this.#take(field)
    if (typeof value === 'string' && isAddress(value) && !/^0x0{40}$/.test(value)) return getAddress(value)
    throw invalid(`${this.#name}: ${field} must be an address`)
  }

  /** 256 bits as hex. */
  word(field: string): bigint {
    return BigInt(this.text(field, /^0x[0-9a-f]{64}$/))
  }

  object(field: string, fallback?: object): JsonFields {
    return new JsonFields(this.#take(field) ?? fallback, `${this.#name}: ${field}`)
  }

  /** @throws {StakingDeploymentError} PARAMETERS_INVALID when there are fields that nobody read */
  end(): void {
    const [field] = this.#fields.keys()
    if (field !== undefined) throw invalid(`${this.#name}: ${field} is unknown`)
  }

  #take(field: string): unknown {
    const value = this.#fields.get(field)
    this.#fields.delete(field)
    return value
  }
}

function invalid(sentence: string): StakingDeploymentError {
  return new StakingDeploymentError('PARAMETERS_INVALID', sentence)
}
