import { expect, test } from 'vitest'
import { namesOf, workersOf } from '../../../../stories/bullmq/workers-seen.ts'

const list = `id=3 addr=127.0.0.1:1 laddr=127.0.0.1:6379 fd=8 name=bull:bWFpbA==:w:w-one db=0 cmd=bzpopmin
id=4 addr=127.0.0.1:2 laddr=127.0.0.1:6379 fd=9 name=bull:bWFpbA== db=0 cmd=bzpopmin
id=5 addr=127.0.0.1:3 laddr=127.0.0.1:6379 fd=10 name=bull:bWFpbA==:qe db=0 cmd=xread
id=6 addr=127.0.0.1:4 laddr=127.0.0.1:6379 fd=11 name= db=0 cmd=get
id=7 addr=127.0.0.1:5 laddr=127.0.0.1:6379 fd=12 name=healthz db=0 cmd=client|list
`

test('workers are counted by the names of their connections; readers of events are none', () => {
  const names = namesOf(list)
  expect(names).toHaveLength(4)
  expect(workersOf(names, 'bull', 'mail')).toBe(2)
  expect(workersOf(names, 'bull', 'mai')).toBe(0)
  expect(workersOf(names, 'other', 'mail')).toBe(0)
})
