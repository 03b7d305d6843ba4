import { expect, test } from 'vitest'
import { keepRoster, orderOf, ringOf } from '../../../src/cluster/roster.ts'
import type { Member } from '../../../src/core/cluster.ts'

const member = (name: string, more: Partial<Member> = {}): Member => ({
  ...{ name, key: `${name}@1`, state: 'active', address: `${name}:9434`, roles: [], version: '1' },
  ...{ config: 'c', host: name, pid: 1, ...more },
})
const seen = (names: readonly string[], leader: string | null = null) => ({
  members: names.map((name) => member(name)),
  leader: leader === null ? null : { key: `${leader}@1`, name: leader, epoch: 1 },
})
const namesOf = ({ members }: { readonly members: readonly Member[] }) => members.map(({ name }) => name)

test('who has vanished is still counted for a while, and so is the last leader', () => {
  const roster = keepRoster(1000)
  roster.see(seen(['a', 'b', 'c'], 'b'), 0)
  roster.see(seen(['a']), 100)
  expect(namesOf(roster.with(seen(['a'])))).toEqual(['a', 'b', 'c'])
  expect(roster.with(seen(['a'])).leader).toBe('b')
  roster.see(seen(['a']), 999)
  expect(namesOf(roster.with(seen(['a'])))).toEqual(['a', 'b', 'c'])
  roster.see(seen(['a']), 1000)
  expect(roster.with(seen(['a']))).toEqual({ members: [member('a')], leader: null })
})

test('who has taken leave is gone', () => {
  const roster = keepRoster(1000)
  roster.see({ members: [member('a'), member('b', { state: 'leaving' })], leader: null }, 0)
  expect(namesOf(roster.with(seen(['a'])))).toEqual(['a', 'b'])
  roster.see(seen(['a']), 100)
  expect(namesOf(roster.with(seen(['a'])))).toEqual(['a'])
})

test('who has joined again is known as what it is now', () => {
  const roster = keepRoster(1000)
  roster.see(seen(['a', 'b']), 0)
  roster.see(seen(['a']), 100)
  const again = { members: [member('a'), member('b', { key: 'b@2' })], leader: null }
  expect(roster.with(again).members.map(({ key }) => key)).toEqual(['a@1', 'b@2'])
})

test('a leader that is known counts before the last one', () => {
  const roster = keepRoster(1000)
  roster.see(seen(['a', 'b'], 'b'), 0)
  expect(roster.with(seen(['a', 'b'], 'a')).leader).toBe('a')
})

test('who was about to join when Redis was lost is asked too, and speaks last', () => {
  const members = [member('a'), member('b', { state: 'joining' }), member('c')]
  const order = orderOf({ members, leader: 'c' })
  expect(order).toEqual(['c', 'a', 'b'])
  expect(ringOf(members).order('leader', 9).toSorted()).toEqual(['a', 'c'])
})

test('a last leader that is no member any more is still asked first', () => {
  expect(orderOf({ members: [member('a')], leader: 'gone' })).toEqual(['gone', 'a'])
})
