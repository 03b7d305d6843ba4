import { expect, test } from 'vitest'
import { keepRoster } from '../../../src/cluster/roster.ts'
import type { Member } from '../../../src/core/cluster.ts'

const member = (name: string, key = `${name}@1`): Member => ({
  ...{ name, key, state: 'active', address: `${name}:9434`, roles: [], version: '1', config: 'c' },
  ...{ host: name, pid: 1 },
})
const seen = (generation: string, names: readonly string[], leader: string | null = null) => ({
  generation,
  members: names.map((name) => member(name)),
  leader: leader === null ? null : { key: `${leader}@1`, name: leader, epoch: 1 },
})
const namesOf = ({ members }: { readonly members: readonly Member[] }) => members.map(({ name }) => name)

test('whoever leaves while Redis keeps its data is gone', () => {
  const roster = keepRoster(1000)
  roster.see(seen('g1', ['a', 'b', 'c'], 'b'), 0)
  roster.see(seen('g1', ['a', 'c']), 100)
  expect(roster.with(seen('g1', ['a', 'c']))).toMatchObject({ leader: null })
  expect(namesOf(roster.with(seen('g1', ['a', 'c'])))).toEqual(['a', 'c'])
})

test('after Redis has lost its data the others are still counted, and the last leader with them', () => {
  const roster = keepRoster(1000)
  roster.see(seen('g1', ['a', 'b', 'c'], 'b'), 0)
  roster.see(seen('g2', ['a']), 100)
  const known = roster.with(seen('g2', ['a']))
  expect(namesOf(known)).toEqual(['a', 'b', 'c'])
  expect(known.leader).toBe('b')
})

test('who has joined again is known as what it is now', () => {
  const roster = keepRoster(1000)
  roster.see(seen('g1', ['a', 'b']), 0)
  roster.see(seen('g2', ['a']), 100)
  const again = { generation: 'g2', members: [member('a'), member('b', 'b@2')], leader: null }
  expect(roster.with(again).members.map(({ key }) => key)).toEqual(['a@1', 'b@2'])
})

test('who has not joined again in time is gone', () => {
  const roster = keepRoster(1000)
  roster.see(seen('g1', ['a', 'b'], 'b'), 0)
  roster.see(seen('g2', ['a']), 100)
  roster.see(seen('g2', ['a'], 'a'), 1100)
  expect(namesOf(roster.with(seen('g2', ['a'], 'a')))).toEqual(['a'])
})

test('data lost twice in a row: those of before the first loss are still counted', () => {
  const roster = keepRoster(1000)
  roster.see(seen('g1', ['a', 'b'], 'b'), 0)
  roster.see(seen('g2', ['a']), 100)
  roster.see(seen('g3', ['a']), 900)
  roster.see(seen('g3', ['a']), 1500)
  expect(namesOf(roster.with(seen('g3', ['a'])))).toEqual(['a', 'b'])
})
