import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type EntryState,
  emptyState,
  judge,
  type Policy,
  type Transition,
  withdraw,
} from '../../../src/core/judge.ts'
import type { Finding, Outcome, Report } from '../../../src/core/outcome.ts'

const minute = 60_000
const policy: Policy = {
  confirm: 2,
  clear: 2,
  remindEvery: 60 * minute,
  blindAfter: 3,
  flapping: { raises: 3, window: 60 * minute, calm: 10 * minute },
  steps: {},
}

const finding = (more: Partial<Finding> = {}): Finding => ({
  key: '',
  severity: 'warning',
  summary: 'too full',
  advice: 'make room',
  evidence: {},
  ...more,
})

function report(at: number, outcome: Outcome, findings: readonly Finding[] = []): Report {
  const reason = outcome === 'unknown' ? { reason: 'no right' } : {}
  const step = { step: 'memory', outcome, at, took: 5, notes: [], findings, ...reason }
  return { entry: 'cache', at, took: 5, steps: [step] }
}

/** Judges a list of tellings a minute apart and gives all transitions. */
function judged(tellings: readonly (readonly [Outcome, (readonly Finding[])?])[], own = policy) {
  let state: EntryState = emptyState
  const transitions: Transition[] = []
  tellings.forEach(([outcome, findings], index) => {
    const verdict = judge(
      state,
      report(index * minute, outcome, findings ?? (outcome === 'problem' ? [finding()] : [])),
      own,
    )
    state = verdict.after
    transitions.push(...verdict.transitions)
  })
  return { state, kinds: transitions.map(({ kind }) => kind), transitions }
}

describe('judge', () => {
  it('raises a problem at the second bad telling in a row, not at the first', () => {
    expect(judged([['problem']]).kinds).toEqual([])
    expect(judged([['problem'], ['problem']]).kinds).toEqual(['raised'])
    expect(judged([['problem'], ['ok'], ['problem']]).kinds).toEqual([])
  })

  it('believes a fact at once', () => {
    expect(judged([['problem', [finding({ confirm: 1 })]]]).kinds).toEqual(['raised'])
  })

  it('recovers at the second good telling in a row', () => {
    expect(judged([['problem'], ['problem'], ['ok']]).kinds).toEqual(['raised'])
    expect(judged([['problem'], ['problem'], ['ok'], ['ok']]).kinds).toEqual(['raised', 'recovered'])
    expect(judged([['problem'], ['problem'], ['ok'], ['problem'], ['ok'], ['ok']]).kinds).toEqual([
      'raised',
      'recovered',
    ])
  })

  it('asks for another look while it is not sure, and no longer', () => {
    const first = judge(emptyState, report(0, 'problem', [finding()]), policy)
    expect(first.unsettled).toEqual(['memory'])
    const second = judge(first.after, report(1, 'problem', [finding()]), policy)
    expect(second.unsettled).toEqual([])
    expect(judge(second.after, report(2, 'ok'), policy).unsettled).toEqual(['memory'])
  })

  it('freezes a problem while the step cannot tell', () => {
    const { kinds, state } = judged([['problem'], ['problem'], ['unknown'], ['skipped'], ['unknown']])
    expect(kinds).toEqual(['raised'])
    expect(state.problems['memory']?.phase).toBe('raised')
  })

  it('freezes what it did not find while the step can tell only a part', () => {
    const both = report(0, 'problem', [finding({ key: 'a', confirm: 1 }), finding({ key: 'b', confirm: 1 })])
    let { after } = judge(emptyState, both, policy)
    for (const at of [1, 2, 3]) {
      const { steps, ...rest } = report(at, 'problem', [finding({ key: 'a' })])
      const partial = { ...rest, steps: steps.map((step) => ({ ...step, reason: 'b did not answer' })) }
      const verdict = judge(after, partial, policy)
      expect(verdict).toMatchObject({ transitions: [], unsettled: [] })
      after = verdict.after
    }
    expect(Object.keys(after.problems)).toEqual(['memory/a', 'memory/b'])
  })

  it('makes lasting blindness a problem of its own and ends it when the step sees again', () => {
    const blind = judged([['unknown'], ['unknown'], ['unknown'], ['unknown']])
    expect(blind.kinds).toEqual(['raised'])
    expect(blind.transitions[0]?.problem).toMatchObject({ key: 'blind', severity: 'warning' })
    expect(judged([['unknown'], ['unknown'], ['unknown'], ['ok'], ['ok']]).kinds).toEqual([
      'raised',
      'recovered',
    ])
  })

  it('tells problems of one step apart by their keys', () => {
    const both = [finding({ key: 'a' }), finding({ key: 'b' })]
    const { kinds, state } = judged([
      ['problem', both],
      ['problem', both],
      ['problem', [both[0] as Finding]],
      ['problem', [both[0] as Finding]],
    ])
    expect(kinds).toEqual(['raised', 'raised', 'recovered'])
    expect(Object.keys(state.problems)).toEqual(['memory/a'])
  })

  it('says once that a warning has become critical', () => {
    const critical = [finding({ severity: 'critical' })]
    expect(judged([['problem'], ['problem'], ['problem', critical], ['problem', critical]]).kinds).toEqual([
      'raised',
      'worsened',
    ])
  })

  it('reminds after the time that people asked for', () => {
    const tellings = Array.from({ length: 130 }, () => ['problem'] as const)
    expect(judged(tellings).kinds).toEqual(['raised', 'reminded', 'reminded'])
    expect(judged(tellings, { ...policy, remindEvery: null }).kinds).toEqual(['raised'])
  })

  it('holds a problem that comes and goes until it has stayed away', () => {
    const flap = [['problem'], ['problem'], ['ok'], ['ok']] as const
    const { kinds, state } = judged([...flap, ...flap, ...flap, ...flap, ...flap])
    expect(kinds.filter((kind) => kind === 'raised')).toHaveLength(4)
    expect(kinds.filter((kind) => kind === 'recovered')).toHaveLength(3)
    expect(state.problems['memory']?.flapping).toBe(true)
    const calm = Array.from({ length: 12 }, () => ['ok'] as const)
    expect(
      judged([...flap, ...flap, ...flap, ...flap, ...calm]).kinds.filter((kind) => kind === 'recovered'),
    ).toHaveLength(4)
  })

  it('re-grades by the policy', () => {
    const strict = { ...policy, steps: { memory: { severity: 'critical' as const } } }
    expect(judged([['problem'], ['problem']], strict).transitions[0]?.problem.severity).toBe('critical')
  })

  it('raises again what was raised in a run that told nobody', () => {
    const { state } = judged([['problem'], ['problem']])
    const memory = state.problems['memory']
    if (memory === undefined) throw new Error('not raised')
    const untold = { ...state, problems: { memory: { ...memory, toldAt: null } } }
    const { transitions } = judge(untold, report(9 * minute, 'problem', [finding()]), policy)
    expect(transitions).toMatchObject([
      { kind: 'raised', problem: { raisedAt: memory.raisedAt, since: memory.since } },
    ])
  })

  it('withdraws what is no longer watched', () => {
    const { state } = judged([['problem'], ['problem']])
    const { transitions, after } = withdraw(state, 5 * minute, () => false)
    expect(transitions.map(({ kind }) => kind)).toEqual(['withdrawn'])
    expect(after.problems).toEqual({})
  })
})

describe('judge, for any history', () => {
  const outcome = fc.constantFrom<Outcome>('ok', 'problem', 'unknown', 'skipped')
  const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 })
  const severity = fc.constantFrom('warning' as const, 'critical' as const)
  const telling = fc.tuple(outcome, keys, severity, fc.integer({ min: 1, max: 20 * minute }))

  function replay(tellings: readonly [Outcome, string[], 'warning' | 'critical', number][]) {
    let state: EntryState = emptyState
    let at = 0
    const history: { transitions: readonly Transition[]; state: EntryState; outcome: Outcome }[] = []
    for (const [is, found, grade, gap] of tellings) {
      at += gap
      const findings = is === 'problem' ? found.map((key) => finding({ key, severity: grade })) : []
      const verdict = judge(state, report(at, is, findings), policy)
      state = verdict.after
      history.push({ transitions: verdict.transitions, state, outcome: is })
    }
    return { history, state }
  }

  it('opens and closes each problem in turn: raised, then at most one recovered, then raised again', () => {
    fc.assert(
      fc.property(fc.array(telling, { maxLength: 60 }), (tellings) => {
        const open = new Set<string>()
        for (const { transitions } of replay(tellings).history) {
          for (const { kind, problem } of transitions) {
            const id = `${problem.step}/${problem.key}`
            if (kind === 'raised') {
              expect(open.has(id)).toBe(false)
              open.add(id)
              continue
            }
            expect(open.has(id)).toBe(true)
            if (kind === 'recovered') open.delete(id)
          }
        }
      }),
    )
  })

  it('never recovers anything by a telling that could not tell', () => {
    fc.assert(
      fc.property(fc.array(telling, { maxLength: 60 }), (tellings) => {
        for (const { transitions, outcome: is } of replay(tellings).history) {
          if (is === 'unknown' || is === 'skipped') {
            expect(transitions.filter(({ kind }) => kind === 'recovered')).toEqual([])
          }
        }
      }),
    )
  })

  it('ends every problem after enough good tellings', () => {
    fc.assert(
      fc.property(fc.array(telling, { maxLength: 60 }), (tellings) => {
        const calm = Array.from(
          { length: 5 },
          () => ['ok', ['a'], 'warning', 15 * minute] as [Outcome, string[], 'warning', number],
        )
        expect(replay([...tellings, ...calm]).state.problems).toEqual({})
      }),
    )
  })

  it('is plain JSON and says the same again from a stored state', () => {
    fc.assert(
      fc.property(fc.array(telling, { maxLength: 30 }), telling, (tellings, [is, found, grade]) => {
        const { state } = replay(tellings)
        const next = report(
          10_000 * minute,
          is,
          is === 'problem' ? found.map((key) => finding({ key, severity: grade })) : [],
        )
        const stored = JSON.parse(JSON.stringify(state)) as EntryState
        expect(judge(stored, next, policy)).toEqual(judge(state, next, policy))
      }),
    )
  })
})
