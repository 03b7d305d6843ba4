import type { ProblemState } from './judge.ts'
import type { Consent } from './outcome.ts'
import type { ResolvePlan } from './plan.ts'
import type { Approval, CureRecord } from './store.ts'
import { count, milliseconds, percent, say, type Text } from './text.ts'

/** Whether a cure may run now, and if not, why: `held` is worth telling people, `wait` is not. */
export type Permission =
  | { readonly may: 'run'; readonly actor: string }
  | { readonly may: 'hold'; readonly reason: Text }
  | { readonly may: 'wait' }

export interface CureCase {
  readonly at: number
  readonly plan: ResolvePlan
  readonly problem: ProblemState
  /** The cures begun on this very problem in the last hour, oldest first. */
  readonly earlier: readonly CureRecord[]
  /** A person's consent to it, where there is one. */
  readonly approval: Approval | null
  /** Entries of the same kind that are bad now, and all of them. */
  readonly bad: number
  readonly all: number
  /** Above this share of bad entries nothing is cured. */
  readonly blastRadius: number
}

/** The consent that a step's cure needs here: the configuration may give it once for all, or keep it to people. */
export function neededConsent({ mode, allow }: ResolvePlan, step: string, consent: Consent): Consent {
  if (allow.includes(step)) return 'auto'
  return mode === 'ask' ? 'ask' : consent
}

/** As long as attempts count against the budget, in milliseconds. */
export const budgetWindow = 3_600_000

/** From this many bad entries of a kind on, the blast radius is looked at: below, a share says nothing. */
const leastForBlast = 3

/** The pure rule for cures: consent, budget, cool-down and blast radius. */
export function permissionFor(cure: CureCase): Permission {
  const { plan, problem, earlier, at } = cure
  if (problem.cure === null || plan.mode === 'off') return { may: 'wait' }
  const actor = cure.approval?.by ?? (problem.cure.consent === 'auto' ? 'configuration' : null)
  if (actor === null) return { may: 'wait' }
  if (cure.bad >= leastForBlast && cure.bad / cure.all > cure.blastRadius) {
    const share = percent((cure.bad / cure.all) * 100)
    return {
      may: 'hold',
      reason: say`not tried: ${share} of the systems of this kind are bad at once, so the cause is likely elsewhere`,
    }
  }
  if (earlier.length >= plan.maxAttempts) {
    return {
      may: 'hold',
      reason: say`not tried again: ${count(earlier.length, 'attempt')} in the last hour did not last; a person is needed`,
    }
  }
  const last = earlier.at(-1)
  if (last !== undefined && at - last.at < plan.coolDown) {
    return {
      may: 'hold',
      reason: say`not tried again yet: the last attempt was ${milliseconds(at - last.at)} ago`,
    }
  }
  return { may: 'run', actor }
}
