import { expect, test } from 'vitest'
import type { Problem } from '../../../src/core/story.ts'
import { tellSome } from '../../../src/core/tell-some.ts'
import { render } from '../../../src/core/text.ts'

const problems = (times: number, severity: Problem['severity']) =>
  Array.from({ length: times }, (_, index) => ({
    key: `${severity} ${index}`,
    severity,
    summary: 's',
    advice: 'a',
  }))

function tell(found: readonly Problem[]): Problem[] {
  const told: Problem[] = []
  tellSome(found, (problem) => told.push(problem))
  return told
}

test('up to twenty are told one by one', () => {
  expect(tell(problems(20, 'warning'))).toHaveLength(20)
  expect(tell([])).toEqual([])
})

test('of more than twenty the critical ones come first, and the rest is counted', () => {
  const told = tell([...problems(30, 'warning'), ...problems(2, 'critical')])
  expect(told).toHaveLength(20)
  expect(told.slice(0, 2).map(({ severity }) => severity)).toEqual(['critical', 'critical'])
  expect(told.at(-1)).toMatchObject({ key: 'more', severity: 'warning', evidence: { problems: 32 } })
  expect(render(told.at(-1)?.summary ?? '')).toBe('there are 13 more problems of this kind')
})

test('what is left counts as critical where one of it is', () => {
  expect(tell(problems(30, 'critical')).at(-1)).toMatchObject({ key: 'more', severity: 'critical' })
})
