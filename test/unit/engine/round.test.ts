import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConnectionFailure } from '../../../src/core/failure.ts'
import { type Cure, defineStory, type Problem } from '../../../src/core/story.ts'
import { render } from '../../../src/core/text.ts'
import { entryOf } from '../../support/entry.ts'
import { rounds } from '../../support/rounds.ts'

const options = z.strictObject({})
const bad: Problem = { severity: 'critical', summary: 'it is broken', advice: 'mend it' }

/** A story of one step whose answer a test decides. */
function oneStep(check: () => Problem | null | Promise<Problem | null>) {
  return defineStory({
    title: 'Target',
    options,
    steps: {
      works: {
        title: 'it works',
        async check({ problem }) {
          const found = await check()
          if (found !== null) problem(found)
        },
      },
    },
  })
}

/** What waits for or has left to the channel `ops`, oldest first. */
async function owed(store: ReturnType<typeof rounds>['store']) {
  const alarms = await store.alarms(100)
  return alarms
    .toReversed()
    .map(({ alarm, due, status }) => ({ kind: alarm.kind, due, status, tried: alarm.problem.tried }))
}

describe('a round', () => {
  it('confirms a suspicion within itself and owes one alarm', async () => {
    const entry = entryOf(oneStep(() => bad))
    const { run, store, clock } = rounds([entry])
    const start = clock.elapsed()
    const { state } = await run(entry)
    expect(state.problems['works']?.phase).toBe('raised')
    expect(clock.elapsed() - start).toBe(5000)
    expect(await owed(store)).toMatchObject([{ kind: 'raised', status: 'pending' }])
  })

  it('raises nothing for what has gone at the second look', async () => {
    let looks = 0
    const entry = entryOf(oneStep(() => (looks++ === 0 ? bad : null)))
    const { run, store } = rounds([entry])
    expect((await run(entry)).state.problems).toEqual({})
    expect(await owed(store)).toEqual([])
  })

  it('tells a dead server once, by its kind, and asks it nothing else', async () => {
    let asked = 0
    const story = defineStory({
      title: 'Target',
      options,
      open: () => {
        throw new ConnectionFailure('refused', '127.0.0.1:1')
      },
      steps: Object.fromEntries(
        ['one', 'two', 'three'].map((name) => [name, { title: name, check: () => void asked++ }]),
      ),
    })
    const entry = entryOf(story)
    const { run, store } = rounds([entry])
    const { report, state } = await run(entry)
    expect(report.steps.map(({ step, outcome }) => [step, outcome])).toEqual([
      ['connect', 'problem'],
      ['one', 'skipped'],
      ['two', 'skipped'],
      ['three', 'skipped'],
    ])
    expect(render(state.problems['connect']?.summary ?? '')).toBe('nothing listens on 127.0.0.1:1')
    expect(asked).toBe(0)
    expect(await owed(store)).toHaveLength(1)
  })

  it('tells one problem where the server answers but serves nobody', async () => {
    const refuse = () => {
      throw new ConnectionFailure('busy', '127.0.0.1:1')
    }
    const story = defineStory({
      title: 'Target',
      options,
      open: () => ({}),
      steps: {
        connect: { title: 'answers', check: ({ problem }) => problem(bad) },
        one: { title: 'one', check: refuse },
        two: { title: 'two', check: () => {} },
      },
    })
    const entry = entryOf(story)
    const { report } = await rounds([entry]).run(entry)
    expect(report.steps.map(({ step, outcome }) => [step, outcome])).toEqual([
      ['connect', 'problem'],
      ['one', 'skipped'],
      ['two', 'ok'],
    ])
  })

  it('leaves a refused login alone for ten minutes', async () => {
    let tries = 0
    const story = defineStory({
      title: 'Target',
      options,
      open: () => {
        tries++
        throw new ConnectionFailure('auth-failed', '127.0.0.1:1')
      },
      steps: {},
    })
    const entry = entryOf(story)
    const { run, clock } = rounds([entry])
    await run(entry)
    await run(entry)
    expect(tries).toBe(1)
    await clock.advance(600_000)
    expect((await run(entry)).state.problems['connect']?.phase).toBe('raised')
    expect(tries).toBe(2)
  })

  it('ends although a step ignores its signal, and disposes the target', async () => {
    let disposed = 0
    const story = defineStory({
      title: 'Target',
      options,
      open: () => ({ [Symbol.dispose]: () => void disposed++ }),
      steps: {
        hangs: { title: 'hangs', check: () => new Promise<void>(() => {}) },
        answers: { title: 'answers', check: () => {} },
      },
    })
    const entry = entryOf(story)
    const { run, clock } = rounds([entry])
    const { report } = await run(entry)
    expect(clock.elapsed()).toBe(10_000)
    expect(report.steps.map(({ step, outcome }) => [step, outcome])).toEqual([
      ['connect', 'ok'],
      ['hangs', 'unknown'],
      ['answers', 'ok'],
    ])
    expect(disposed).toBe(1)
  })

  it('disposes a target that opens after its deadline', async () => {
    let disposed = 0
    const opening = Promise.withResolvers<Disposable>()
    const story = defineStory({ title: 'Target', options, open: () => opening.promise, steps: {} })
    const entry = entryOf(story)
    const { run, clock } = rounds([entry])
    await run(entry)
    opening.resolve({ [Symbol.dispose]: () => void disposed++ })
    await clock.advance(1)
    expect(disposed).toBe(2) // the suspicion was looked at twice
  })

  it.each([
    ['throws', () => Promise.reject(new Error('my own bug')), 'the step failed: my own bug'],
    [
      'returns garbage',
      () => 42 as never,
      'the step failed: returned a number; it should report by problem()',
    ],
  ])('calls a step that %s unknown, never a dead target', async (_, check, reason) => {
    const story = defineStory({ title: 'Target', options, steps: { odd: { title: 'odd', check } } })
    const entry = entryOf(story)
    const { report } = await rounds([entry]).run(entry)
    const odd = report.steps.find(({ step }) => step === 'odd')
    expect(odd?.outcome).toBe('unknown')
    expect(render(odd?.reason ?? '')).toBe(reason)
  })
})

describe('a cure', () => {
  const cure = (more: Partial<Cure> & Pick<Cure, 'run'>): Problem => ({
    ...bad,
    resolve: { title: 'turn it off and on', consent: 'auto', ...more },
  })

  it('that works makes one word of the whole: healed', async () => {
    let isBroken = true
    const mend = () => {
      isBroken = false
    }
    const entry = entryOf(oneStep(() => (isBroken ? cure({ run: mend }) : null)))
    const { run, store, clock } = rounds([entry])
    const { state, healed } = await run(entry)
    expect(state.problems).toEqual({})
    expect(healed).toHaveLength(1)
    const [word, ...others] = await owed(store)
    expect(others).toEqual([])
    expect(word).toMatchObject({ kind: 'healed', tried: [{ result: 'healed', title: 'turn it off and on' }] })
    expect(word?.due).toBeLessThanOrEqual(clock.now())
    expect(await store.cures(0)).toMatchObject([{ actor: 'configuration', trial: { result: 'healed' } }])
  })

  it('that works on a problem of an earlier round is a recovery, and mended all the same', async () => {
    let isBroken = true
    const mend = () => {
      isBroken = false
    }
    const entry = entryOf(oneStep(() => (isBroken ? cure({ run: mend }) : null)))
    const { run, store } = rounds([entry])
    expect((await run(entry, 'no')).healed).toEqual([])
    expect((await run(entry)).healed).toMatchObject([{ problem: { tried: [{ result: 'healed' }] } }])
    expect((await owed(store)).map(({ kind }) => kind)).toEqual(['raised', 'recovered'])
  })

  it('that does not help is told in the alarm, and is not tried again within its cool-down', async () => {
    let tries = 0
    const entry = entryOf(oneStep(() => cure({ within: 10_000, run: () => void tries++ })))
    const { run, store, clock } = rounds([entry])
    await run(entry)
    expect(await owed(store)).toMatchObject([{ kind: 'raised', tried: [{ result: 'still-there' }] }])
    await clock.advance(60_000)
    await run(entry)
    expect(tries).toBe(1)
    await clock.advance(300_000)
    await run(entry)
    expect(tries).toBe(2)
  })

  it('stops at its budget of attempts an hour', async () => {
    let tries = 0
    const entry = entryOf(oneStep(() => cure({ within: 5000, run: () => void tries++ })))
    const { run, clock } = rounds([entry])
    for (let round = 0; round < 10; round++) {
      await run(entry)
      await clock.advance(310_000)
    }
    expect(tries).toBe(3)
  })

  it('that asks for consent waits for it', async () => {
    let tries = 0
    const entry = entryOf(oneStep(() => cure({ consent: 'ask', within: 3000, run: () => void tries++ })))
    const { run, store, clock } = rounds([entry])
    await run(entry)
    expect(tries).toBe(0)
    const at = clock.now()
    await store.approve({ entry: 'target', problem: 'works', by: 'ann', at, until: at + 60_000 })
    await run(entry)
    expect(tries).toBe(1)
    expect(await store.cures(0)).toMatchObject([{ actor: 'ann' }])
  })

  it('runs without asking where the configuration allows the step', async () => {
    let tries = 0
    const entry = entryOf(
      oneStep(() => cure({ consent: 'ask', within: 3000, run: () => void tries++ })),
      {
        resolve: { mode: 'auto', allow: ['works'], coolDown: 300_000, maxAttempts: 3 },
      },
    )
    await rounds([entry]).run(entry)
    expect(tries).toBe(1)
  })

  it.each([
    ['--no-resolve', 'no', 'auto'],
    ['--dry-run', 'rehearse', 'auto'],
    ['resolve: ask', 'yes', 'ask'],
    ['resolve: off', 'yes', 'off'],
  ] as const)('does not run under %s', async (_, resolving, mode) => {
    let tries = 0
    const entry = entryOf(
      oneStep(() => cure({ run: () => void tries++ })),
      {
        resolve: { mode, allow: [], coolDown: 0, maxAttempts: 3 },
      },
    )
    const { run, store } = rounds([entry])
    await run(entry, resolving)
    expect(tries).toBe(0)
    const [alarm] = await owed(store)
    expect(alarm?.tried.map(({ result }) => result)).toEqual(resolving === 'rehearse' ? ['rehearsed'] : [])
  })

  it('that hangs ends at its deadline', async () => {
    const entry = entryOf(oneStep(() => cure({ within: 20_000, run: () => new Promise<void>(() => {}) })))
    const { run, store } = rounds([entry])
    await run(entry)
    expect(await owed(store)).toMatchObject([{ kind: 'raised', tried: [{ result: 'failed' }] }])
  })

  it('runs nowhere when much of its kind is bad at once', async () => {
    let tries = 0
    const entries = Array.from({ length: 5 }, (_, index) => {
      return entryOf(
        oneStep(() => (index === 4 ? null : cure({ within: 2000, run: () => void tries++ }))),
        { name: `t${index}` },
      )
    })
    const { run, store, clock } = rounds(entries)
    await clock.until(Promise.all(entries.map((entry) => run(entry))))
    expect(tries).toBe(0)
    expect(await owed(store)).toMatchObject(
      Array(4).fill({ kind: 'raised', tried: [{ result: 'held-back' }] }),
    )
  })

  it('does not keep people in the dark when the process dies in it', async () => {
    const entry = entryOf(oneStep(() => cure({ within: 30_000, run: () => new Promise<void>(() => {}) })))
    const { run, store, clock, end } = rounds([entry])
    const round = run(entry)
    round.catch(() => {})
    await clock.advance(6000)
    end()
    await expect(round).rejects.toBe('SIGTERM')
    const [alarm] = await owed(store)
    expect(alarm).toMatchObject({ kind: 'raised', status: 'pending' })
    expect((alarm?.due ?? 0) - clock.now()).toBeLessThan(40_000)
    expect(await store.cures(0)).toMatchObject([{ trial: { result: 'failed' } }])
  })

  it('starts a server that does not listen, where the configuration says how and a person agrees', async () => {
    let isUp = false
    const launched: string[] = []
    const story = defineStory({
      title: 'Target',
      options,
      open: () => {
        if (!isUp) throw new ConnectionFailure('refused', '127.0.0.1:1')
        return {}
      },
      steps: { works: { title: 'it works', check: () => {} } },
    })
    const entry = entryOf(story, { start: ['start-it', '--now'] })
    const { run, store, clock, ports } = rounds([entry])
    Object.assign(ports, {
      launch: async (argv: readonly string[]) => {
        launched.push(argv.join(' '))
        isUp = true
      },
    })
    expect((await run(entry)).state.problems['connect']?.cure).toMatchObject({ consent: 'ask' })
    expect(launched).toEqual([])
    const at = clock.now()
    await store.approve({ entry: 'target', problem: 'connect', by: 'ann', at, until: at + 60_000 })
    expect((await run(entry)).state.problems).toEqual({})
    expect(launched).toEqual(['start-it --now'])
  })

  it.each([
    ['that hangs', 'timeout-reply'],
    ['that refuses the login', 'auth-failed'],
  ] as const)('never starts a server again %s', async (_, kind) => {
    const story = defineStory({
      title: 'Target',
      options,
      open: () => {
        throw new ConnectionFailure(kind, '127.0.0.1:1')
      },
      steps: {},
    })
    const { run } = rounds([])
    expect((await run(entryOf(story, { start: ['start-it'] }))).state.problems['connect']?.cure).toBeNull()
  })

  it('of one target never runs twice at the same time', async () => {
    let running = 0
    let most = 0
    const run = async () => {
      running++
      most = Math.max(most, running)
      await clock.sleep(1000)
      running--
    }
    const entries = ['a', 'b'].map((name) =>
      entryOf(
        oneStep(() => cure({ target: 'web', within: 5000, run })),
        { name },
      ),
    )
    const { run: tell, clock } = rounds(entries)
    await clock.until(Promise.all(entries.map((entry) => tell(entry))))
    expect(most).toBe(1)
  })
})
