import { expect, test } from 'vitest'
import { isLeaderless, noLeader } from '../../../../src/cluster/story/leader.ts'
import type { ClusterView } from '../../../../src/core/cluster.ts'
import { render } from '../../../../src/core/text.ts'
import { clusterWatch, lan, peer } from '../../../support/cluster/watch.ts'

const change = (name: string, epoch: number, at: number) => ({ name, epoch, at })

test('a term that is no later than the one before is told of, until it is ten minutes ago', async () => {
  const watch = clusterWatch()
  const at = watch.now()
  watch.world.records = {
    ...watch.world.records,
    changes: [change('b', 900, at - 5000), change('a', 1000, at - 4000), change('c', 950, at - 3000)],
  }
  expect(await watch.tell()).toEqual([
    'raised critical leader/split: c became leader in term 950, which is no later than term 1000 of a before it: the data of the coordinating Redis went back',
  ])
  expect(watch.problem('leader/split').advice).toMatch(/see whether two Redis servers act as master/)
  await watch.rounds.clock.advance(600_000)
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered critical leader\/split/)])
})

test('terms that rise are fine, and so is a view that is older than what Redis says', async () => {
  const watch = clusterWatch()
  const at = watch.now()
  watch.world.records = {
    ...watch.world.records,
    leader: { name: 'b', epoch: 1001 },
    changes: [change('a', 1000, at - 4000), change('b', 1001, at - 3000)],
  }
  expect(await watch.tell()).toEqual([])
  expect(watch.step('leader').outcome).toBe('ok')
})

test('a later term than Redis knows of, or another leader of the same, is told of when it stays', async () => {
  const watch = clusterWatch()
  watch.world.records = { ...watch.world.records, leader: { name: 'b', epoch: 990 } }
  expect(await watch.tell()).toEqual([
    'raised critical leader/split: the coordinating Redis names b as leader in term 990, but a has led in the later term 1000: Redis has lost data, or there are two',
  ])
  watch.world.records = { ...watch.world.records, leader: { name: 'b', epoch: 1000 } }
  await watch.tell()
  expect(watch.problem('leader/split').summary).toBe('two nodes lead in the same term 1000: a and b')
})

test('a handover that is seen half is no split', async () => {
  const watch = clusterWatch()
  const { records } = watch.world
  watch.world.records = { ...records, leader: { name: 'b', epoch: 990 } }
  void watch.rounds.clock.sleep(1000).then(() => {
    watch.world.records = records
  })
  expect(await watch.tell()).toEqual([])
  expect(watch.rounds.events.flatMap((event) => (event.type === 'step-ended' ? event : []))).toContainEqual(
    expect.objectContaining({ step: 'leader', outcome: 'problem' }),
  )
})

test('between two leaders nothing is told', async () => {
  const watch = clusterWatch()
  watch.world.records = { ...watch.world.records, leader: null }
  await watch.tell()
  expect(watch.step('leader').outcome).toBe('unknown')
})

const view = (more: Partial<ClusterView> = {}): ClusterView => ({
  ...clusterWatch().world.view,
  leader: null,
  members: [peer('a'), peer('b'), peer('c', { state: 'joining' })],
  ...more,
})

test('a node says that nobody leads after three leases, as a member of a Redis that answers', () => {
  const lasting = 3 * lan.lease + 1
  expect(isLeaderless({ view: view(), lasting }, lan)).toBe(true)
  expect(isLeaderless({ view: view(), lasting: 3 * lan.lease }, lan)).toBe(false)
  expect(isLeaderless({ view: view({ leader: { name: 'b', epoch: 1 } }), lasting }, lan)).toBe(false)
  expect(isLeaderless({ view: view({ fault: 'slow' }), lasting }, lan)).toBe(false)
  for (const mode of ['starting', 'degraded', 'leaving'] as const)
    expect(isLeaderless({ view: view({ mode }), lasting }, lan)).toBe(false)
  for (const lastBeatAge of [null, lan.valid])
    expect(isLeaderless({ view: view({ lastBeatAge }), lasting }, lan), 'it may have been stopped').toBe(
      false,
    )
})

test('who could lead, or why nobody may', () => {
  const found = noLeader({ view: view(), lasting: 16_000, lastEpoch: 7 })
  expect(found).toMatchObject({ key: '', severity: 'critical', confirm: 1, spell: 7 })
  expect(render(found.summary)).toBe(
    'no node has led the cluster for 16 s, although the coordinating Redis answers a: a, b could',
  )
  const summary = (more: Partial<ClusterView>) =>
    render(noLeader({ view: view(more), lasting: 16_000, lastEpoch: 0 }).summary)
  expect(summary({ quarantine: 4000 })).toMatch(
    /: nobody may take over for another 4 s, because Redis was restarted or lost its data, perhaps again and again$/,
  )
  expect(summary({ members: [] })).toMatch(/: none of the nodes is active$/)
})

test('what a node without a leader raised is over with the next telling of a leader', async () => {
  const watch = clusterWatch()
  expect(await watch.tell()).toEqual([])
  const { store, term } = watch.rounds
  const kept = await store.entry('cluster')
  if (kept === null) throw new Error('the round was not kept')
  const { key, severity, summary, advice, evidence } = noLeader({
    view: view(),
    lasting: 16_000,
    lastEpoch: 7,
  })
  const raised = {
    ...{ step: 'leader', key, phase: 'raised' as const, severity, summary, advice, evidence },
    ...{ since: 1, raisedAt: 7, seenAt: 1, bad: 1, good: 0, goodSince: null, toldAt: 1 },
    ...{ flapping: false, tried: [], cure: null },
  }
  const state = { ...kept.state, problems: { leader: raised } }
  await store.commit(term, { record: { ...kept, state }, happenings: [], owed: [] })
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered critical leader: no node has led/)])
})
