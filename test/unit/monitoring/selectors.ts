/** A name in an expression of PromQL, with the labels that it is asked for by. */
export interface Selector {
  readonly name: string
  readonly labels: readonly string[]
}

/** Names of the node's metrics, and `up`. */
export function selectorsIn(expression: string): readonly Selector[] {
  return [...expression.matchAll(/\b(starling_\w+|up)\b(?:\{([^}]*)\})?/g)].map(([, name = '', conditions = '']) => ({
    name,
    labels: [...conditions.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label),
  }))
}
