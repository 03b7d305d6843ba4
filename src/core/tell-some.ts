import type { Problem } from './story.ts'
import { count, say } from './text.ts'

/**
 * Tells the worst of many problems of one step one by one, each under its own key, and of the rest how many they are:
 * a thousand lost targets are one thing to know, not a thousand.
 */
export function tellSome(found: readonly Problem[], problem: (found: Problem) => void, most = 20): void {
  const worstFirst = [
    ...found.filter(({ severity }) => severity === 'critical'),
    ...found.filter(({ severity }) => severity !== 'critical'),
  ]
  const told = worstFirst.length > most ? worstFirst.slice(0, most - 1) : worstFirst
  for (const one of told) problem(one)
  const [next] = worstFirst.slice(told.length)
  if (next === undefined) return
  const left = worstFirst.length - told.length
  problem({
    key: 'more',
    severity: next.severity,
    summary: say`there are ${count(left, 'more problem')} of this kind`,
    advice: say`look for what they have in common; those that are named are the first of them`,
    evidence: { problems: worstFirst.length },
  })
}
