import { count, type Problem, type StepContext, say } from 'healthz'

/** So many problems of one step are told one by one. */
const most = 20

/** Tells problems of which there may be hundreds: the critical ones first, and of the rest the number. */
export function tellAll(found: readonly Problem[], { problem, note }: Pick<StepContext, 'problem' | 'note'>) {
  const critical = found.filter(({ severity }) => severity === 'critical')
  const others = found.filter(({ severity }) => severity !== 'critical')
  for (const one of [...critical, ...others].slice(0, most)) problem(one)
  if (found.length > most) note(say`and ${count(found.length - most, 'more such problem')}`)
}
