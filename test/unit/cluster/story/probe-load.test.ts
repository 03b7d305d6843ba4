import { expect, test } from 'vitest'
import { clusterWatch, planned, record } from '../../../support/cluster/watch.ts'

const entries = [
  ...Array.from({ length: 12 }, (_, index) => planned(`site-${index}`)),
  planned('host', { scope: 'node', pace: { every: 60_000, jitter: 0 } }),
]

/** All sites belong to b; each of their rounds takes so long, of a minute. */
function busy(took: number) {
  const watch = clusterWatch(entries)
  watch.world.owners = Object.fromEntries(entries.map(({ name }) => [name, 'b']))
  const told = (ms: number) => {
    watch.world.entries = [
      ...entries.slice(0, -1).map(({ name }) => record(name, watch.now(), ms)),
      record('host@b', watch.now(), 1200),
    ]
  }
  told(took)
  return { watch, told }
}

test('a node with more entries than it can tell is told of, with how busy it is', async () => {
  const { watch, told } = busy(42_000)
  expect(await watch.tell()).toEqual([
    'raised warning probe-load/b: b tells 13 entries and is 84 % busy with it (limit 80 % of 10 rounds at a time)',
  ])
  expect(watch.problem('probe-load/b')).toMatchObject({ evidence: { node: 'b', entries: 13, busyPct: 84 } })
  told(37_000)
  expect(await watch.tell(), 'a limit closes lower than it opens').toEqual([])
  told(30_000)
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning probe-load\/b/)])
})

test('a node with room is none', async () => {
  const { watch } = busy(30_000)
  expect(await watch.tell()).toEqual([])
  expect(watch.step('probe-load').outcome).toBe('ok')
})
