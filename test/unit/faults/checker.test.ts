import { describe, expect, test } from 'vitest'
import { shardOf } from '../../../src/cluster/shards.ts'
import { check } from '../../support/faults/checker.ts'
import type { Delivery, History, Life, Mending, Signal } from '../../support/faults/history.ts'

const t0 = Date.parse('2026-01-01T00:00:00Z')
const shards = 1
const at = (second: number) => t0 + second * 1000

type Line = readonly [second: number, msg: string, fields?: object]

/** A process that lived from the beginning. */
function life(node: string, lines: readonly Line[], more: Partial<Life> = {}): Life {
  const log = lines.map(([second, msg, fields]) => ({
    time: new Date(at(second)).toISOString(),
    msg,
    ...fields,
  }))
  return {
    ...{ node, pid: Number(node.slice(1)), from: t0, to: null, end: null, pauses: [], noise: '' },
    log,
    ...more,
  }
}

const leads = (second: number, epoch: number): Line => [second, 'this node leads', { epoch }]
const leadsNoMore = (second: number): Line => [second, 'this node leads no more', { why: 'lapsed' }]
const gains = (second: number, seat: string, epoch: number): Line => [second, 'seat gained', { seat, epoch }]
const loses = (second: number, seat: string): Line => [second, 'seat lost', { seat, why: 'lapsed' }]
const turns = (second: number, mode: string): Line => [second, 'cluster', { mode }]

const signal = (key: string, more: Partial<Signal> = {}): Signal => {
  return { key, entry: 'a', mends: false, at: at(1), downAt: null, ...more }
}
const word = (kind: string, key: string, dedupKey = `${kind} ${key}`) => {
  return { dedupKey, occurrence: `a/calm/${key}@x`, kind, entry: 'a', step: 'calm', key }
}
const delivery = (second: number, node: string, ...alarms: Delivery['alarms']): Delivery => {
  return { at: at(second), node, isTaken: true, alarms }
}
const mending = (second: number, node: string, key = 'k1', entry = 'a'): Mending => {
  return { at: at(second), pid: Number(node.slice(1)), entry, key }
}

/** n1 leads and holds the only shard; whatever a test adds comes on top. */
function history(more: Partial<History> = {}): History {
  return {
    timing: { beat: 200, valid: 1200, lease: 2000, clockStep: 300, settle: 200, batch: 100 },
    ...{ shards, lives: [n1(), life('n2', [turns(0, 'member')])] },
    ...{ signals: [], deliveries: [], mendings: [], faults: [], settledAt: at(60) },
    ...more,
  }
}

const n1 = (...lines: readonly Line[]) => {
  return life('n1', [turns(0, 'member'), gains(0.1, 'shard:0', 90), leads(0.2, 100), ...lines])
}
const fault = (kind: string, node: string | null, from: number, to: number, more = {}) => {
  return { kind, node, from: at(from), to: at(to), ...more }
}
const rulesOf = (one: History) => [...new Set(check(one).map(({ rule }) => rule))]

test('an innocent history breaks no rule', () => {
  const innocent = history({
    signals: [signal('k1', { mends: true }), signal('k2', { downAt: at(5) })],
    deliveries: [
      delivery(2, 'n1', word('healed', 'k1', 'k1')),
      delivery(2, 'n1', word('raised', 'k2')),
      delivery(6, 'n1', word('recovered', 'k2')),
    ],
    mendings: [mending(1.5, 'n1')],
  })
  expect(check(innocent)).toEqual([])
})

describe('a history breaks a rule', () => {
  test('I1: two lead at once', () => {
    const two = history({
      lives: [n1(leadsNoMore(11)), life('n2', [leads(10, 200), gains(0, 'shard:9', 1)])],
    })
    expect(rulesOf({ ...two, settledAt: null })).toEqual(['I1'])
  })

  test('I1: not where the first was stopped, or killed, before', () => {
    const second = life('n2', [turns(0, 'member'), leads(10, 200), gains(10, 'shard:0', 201)])
    const stopped = life('n1', [leads(0, 100), leadsNoMore(12)], { pauses: [{ from: at(8), to: at(11.9) }] })
    const killed = life('n1', [leads(0, 100)], { to: at(9), end: 'killed' })
    expect(rulesOf(history({ lives: [stopped, second] }))).toEqual([])
    expect(rulesOf(history({ lives: [killed, second] }))).toEqual([])
  })

  test('I2: an epoch falls, or comes twice', () => {
    const then = (epoch: number) => [n1(leadsNoMore(9)), life('n2', [leads(10, epoch)])]
    expect(rulesOf(history({ lives: then(99) }))).toEqual(['I2'])
    expect(rulesOf(history({ lives: then(100) }))).toEqual(['I2'])
    expect(rulesOf(history({ lives: then(101) }))).toEqual([])
  })

  test('I4: a node sends that does not lead, or was stopped over the end of its lease', () => {
    expect(rulesOf(history({ deliveries: [delivery(5, 'n2', word('raised', 'k9'))] }))).toEqual(['I4'])
    const woken = life('n1', [leads(0, 100), leadsNoMore(12)], { pauses: [{ from: at(8), to: at(11.9) }] })
    const lives = [woken, life('n2', [leads(10, 200), gains(10, 'shard:0', 201)])]
    expect(rulesOf(history({ lives, deliveries: [delivery(11.95, 'n1', word('raised', 'k9'))] }))).toEqual([
      'I4',
    ])
  })

  test('I4: not where it stands in while Redis is lost', () => {
    const lives = [n1(), life('n2', [turns(0, 'member'), turns(4, 'degraded')])]
    expect(rulesOf(history({ lives, deliveries: [delivery(5, 'n2', word('raised', 'k9'))] }))).toEqual([])
  })

  test('I5: an alarm is missing, or its end', () => {
    expect(rulesOf(history({ signals: [signal('k1')] }))).toEqual(['I5'])
    const raised = delivery(2, 'n1', word('raised', 'k1'))
    const over = history({ signals: [signal('k1', { downAt: at(5) })], deliveries: [raised] })
    expect(rulesOf(over)).toEqual(['I5'])
    const refused = history({ signals: [signal('k1')], deliveries: [{ ...raised, isTaken: false }] })
    expect(rulesOf(refused)).toEqual(['I5'])
  })

  test('I5: an alarm comes again for no reason, or under another key', () => {
    const twice = (...keys: readonly string[]) =>
      history({
        signals: [signal('k1')],
        deliveries: keys.map((key, index) => delivery(5 + 2 * index, 'n1', word('raised', 'k1', key))),
      })
    expect(rulesOf(twice('x', 'x'))).toEqual(['I5'])
    expect(rulesOf(twice('x', 'y'))).toEqual(['I5'])
    expect(rulesOf({ ...twice('x', 'x'), faults: [fault('kill', 'n2', 5, 6)] })).toEqual([])
    expect(rulesOf({ ...twice('x', 'y'), faults: [fault('kill', 'n2', 5, 6)] })).toEqual(['I5'])
  })

  test('I5: under two keys is excused only where two faults meet and a node stood in', () => {
    const keys = [delivery(5, 'n1', word('raised', 'k1', 'x')), delivery(7, 'n1', word('raised', 'k1', 'y'))]
    const lives = [n1(), life('n2', [turns(0, 'member'), turns(4, 'degraded')])]
    const told = history({ lives, signals: [signal('k1')], deliveries: keys })
    const frozen = fault('redis frozen', null, 3, 6)
    expect(rulesOf({ ...told, faults: [frozen] })).toEqual(['I5'])
    expect(rulesOf({ ...told, faults: [frozen, fault('kill', 'n2', 4, 5)] })).toEqual([])
    expect(rulesOf({ ...told, lives: [n1()], faults: [frozen, fault('kill', 'n2', 4, 5)] })).toEqual(['I5'])
  })

  test('I6: who does not hold the seat cures, or twice, or while Redis is lost or was emptied', () => {
    expect(rulesOf(history({ mendings: [mending(5, 'n2')] }))).toEqual(['I6'])
    expect(rulesOf(history({ mendings: [mending(5, 'n1', 'k1', 'own@n1')] }))).toEqual(['I6'])
    expect(rulesOf(history({ mendings: [mending(5, 'n1'), mending(6, 'n1')] }))).toEqual(['I6'])
    const degraded = [n1(turns(4, 'degraded'))]
    expect(rulesOf(history({ lives: degraded, mendings: [mending(5, 'n1')] }))).toEqual(['I6'])
    const faults = [fault('flushall', null, 4, 4, { lostDataAt: at(4) })]
    expect(rulesOf(history({ faults, mendings: [mending(5, 'n1')] }))).toEqual(['I6'])
    expect(rulesOf(history({ faults, mendings: [mending(7, 'n1')] }))).toEqual([])
  })

  test('I7: two hold a shard at once, or nobody does in the end', () => {
    const lives = [n1(), life('n2', [gains(5, 'shard:0', 300)])]
    expect(rulesOf(history({ lives }))).toEqual(['I7'])
    expect(rulesOf(history({ lives: [n1(loses(5, 'shard:0'))] }))).toEqual(['I7'])
  })

  test('I8: nobody leads in the end', () => {
    expect(rulesOf(history({ lives: [n1(leadsNoMore(5))] }))).toEqual(['I8'])
  })

  test('I9: who is cut off from Redis sends or cures all the same', () => {
    const faults = [fault('black-hole', 'n1', 4, 9)]
    expect(rulesOf(history({ faults, deliveries: [delivery(6, 'n1', word('raised', 'k9'))] }))).toEqual([
      'I9',
    ])
    expect(rulesOf(history({ faults, mendings: [mending(6, 'n1')] }))).toEqual(['I9'])
    expect(rulesOf(history({ faults, mendings: [mending(5, 'n1')] }))).toEqual([])
  })

  test('I10: a loss of Redis is told that never was, or twice', () => {
    const lost = (second: number, dedupKey: string) =>
      delivery(second, 'n1', { ...word('raised', '', dedupKey), entry: 'cluster', step: 'coordination' })
    expect(rulesOf(history({ deliveries: [lost(5, 'x')] }))).toEqual(['I10'])
    const faults = [fault('redis lost', null, 3, 20)]
    expect(rulesOf(history({ faults, deliveries: [lost(5, 'x')] }))).toEqual([])
    expect(rulesOf(history({ faults, deliveries: [lost(5, 'x'), lost(9, 'y')] }))).toEqual(['I10'])
  })

  test('I12: a process ends by itself, or prints what only a fault of its program makes it print', () => {
    const started: Line = [0, 'started']
    const ended = life('n2', [started], { to: at(5) })
    expect(rulesOf(history({ lives: [n1(), ended] }))).toEqual(['I12'])
    expect(rulesOf(history({ lives: [n1(), { ...ended, end: 'killed' }] }))).toEqual([])
    for (const noise of [
      'TypeError: x is not a function',
      '    at step (node.ts:12:3)',
      'UnhandledPromiseRejection',
    ])
      expect(rulesOf(history({ lives: [n1(), life('n2', [], { noise })] }))).toEqual(['I12'])
    const logged = life('n2', [[5, 'round failed', { error: 'x is not a function' }]])
    expect(rulesOf(history({ lives: [n1(), logged] }))).toEqual(['I12'])
  })
})

test('an entry of the ring belongs to its shard', () => {
  expect(shardOf('a', shards)).toBe(0)
})
