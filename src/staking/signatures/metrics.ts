import type { MetricsRegister } from '../../base/metrics.ts'
import type { SignatureRefusal, SignatureRequest } from '../../protocol/peer-api/signature-request.ts'

type Kind = SignatureRequest['kind']

export type SignatureMetrics = ReturnType<typeof createSignatureMetrics>

export function createSignatureMetrics(register: MetricsRegister) {
  return {
    answers: register.counter<{ kind: Kind; outcome: 'signed' | SignatureRefusal }>({
      name: 'starling_staking_signature_answers_total',
      help: 'Requests for a signature of this node, by what was asked for and how they were answered',
      labelNames: ['kind', 'outcome'],
    }),
    collections: register.counter<{ kind: Kind; outcome: 'enough' | 'insufficient' | 'failed' }>({
      name: 'starling_staking_signature_collections_total',
      help: 'Signatures of all members collected for the operator of this node, by whether enough signed',
      labelNames: ['kind', 'outcome'],
    }),
    collectionSeconds: register.histogram({
      name: 'starling_staking_signature_collection_seconds',
      help: 'Time from an operator’s request to the sum of the signatures',
      // A dozen members answer in a second; 2,000 of whom a third is silent take a minute.
      buckets: [0.5, 1, 2, 5, 10, 20, 40, 80, 160],
    }),
    falseSignatures: register.counter({
      name: 'starling_staking_false_signatures_total',
      help: 'Signatures of other members that were not of what they had been asked for',
    }),
  }
}
