import { say, type Text, z } from 'healthz'
import type { Api } from './api.ts'

/** Why one shard has no node: an unassigned primary before a copy, whichever the master takes. */
export interface Explanation {
  readonly shard: string
  readonly isPrimary: boolean
  /** It was tried again and again, and is left alone until somebody asks for it. */
  readonly hasGivenUp: boolean
  readonly attempts: number
  /** The data is on none of the nodes that are there. */
  readonly isLost: boolean
  readonly reasons: readonly Text[]
}

/** Null where no shard is unassigned any more. @throws CannotTell, ConnectionFailure */
export async function explain(api: Api, signal: AbortSignal): Promise<Explanation | null> {
  const found = await api.find('/_cluster/allocation/explain', shape, signal)
  return found === null ? null : explanationOf(found)
}

function explanationOf(found: z.output<typeof shape>): Explanation {
  const { index, shard, primary, unassigned_info, can_allocate, node_allocation_decisions = [] } = found
  const forbids = node_allocation_decisions
    .flatMap(({ deciders = [] }) => deciders)
    .filter(({ decision }) => decision !== 'YES')
  const distinct = [...new Map(forbids.map((decider) => [decider.decider, decider])).values()]
  return {
    shard: `${index}[${shard}]`,
    isPrimary: primary,
    hasGivenUp: distinct.some(({ decider }) => decider === 'max_retry'),
    attempts: unassigned_info?.failed_allocation_attempts ?? 0,
    isLost: can_allocate === 'no_valid_shard_copy',
    reasons: distinct.slice(0, 3).map(({ decider, explanation }) => wordsOf(decider, explanation)),
  }
}

/** What kept it off says the decider in its own words; those on retries quote the error, so they are left out. */
function wordsOf(decider: string, explanation: string): Text {
  if (decider === 'max_retry') return say`it failed too often`
  return say`${decider}: ${explanation.length > longest ? `${explanation.slice(0, longest)}...` : explanation}`
}

const longest = 240

const shape = z.looseObject({
  index: z.string(),
  shard: z.number(),
  primary: z.boolean(),
  unassigned_info: z.looseObject({ failed_allocation_attempts: z.number().optional() }).optional(),
  can_allocate: z.string().optional(),
  node_allocation_decisions: z
    .array(
      z.looseObject({
        deciders: z
          .array(z.looseObject({ decider: z.string(), decision: z.string(), explanation: z.string() }))
          .optional(),
      }),
    )
    .optional(),
})
