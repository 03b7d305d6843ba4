import { AssertionError } from 'node:assert'
import { expect, test } from 'vitest'
import {
  DidNotHelp,
  defineStory,
  duration,
  milliseconds,
  type Secret,
  say,
  secret,
  stepOf,
  z,
} from '../../../src/index.ts'
import { teller, testClock } from '../../../src/testing.ts'
import { freePort } from '../../support/servers/ports.ts'

/** A belt that a test runs by hand. */
interface Belt {
  waiting: number
  taken: number
  isJammed: boolean
  mends: boolean
  opened: number
}

const makeBelt = (): Belt => ({ waiting: 0, taken: 0, isJammed: false, mends: true, opened: 0 })

const step = stepOf<{ readonly belt: Belt }, { readonly token?: Secret | undefined }>()

const waiting = step({
  title: 'little waits',
  limits: z.strictObject({ most: z.number().default(10), patience: duration('5m') }),
  check({ target: { belt }, limits, grade, note, problem, options }) {
    note(say`${belt.waiting} wait`)
    const severity = grade(belt.waiting, { warning: limits.most })
    if (severity === null) return
    problem({
      severity,
      summary: say`${belt.waiting} wait (limit ${limits.most})`,
      advice: 'help',
      evidence: { waiting: belt.waiting, token: options.token?.reveal() ?? null },
    })
  },
})

function storyOf(belt: Belt) {
  return defineStory({
    title: 'Belt',
    options: z.strictObject({ token: secret().optional(), port: z.int().optional() }),
    open({ options: { port } }) {
      if (port !== undefined) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED', port })
      belt.opened++
      return {
        belt,
        [Symbol.dispose]: () => {
          belt.opened--
        },
      }
    },
    steps: {
      waiting,
      speed: {
        title: 'it moves',
        async check({ target: { belt }, compare, note }) {
          const { before, after, apart } = await compare(() => belt.taken)
          note(say`${after - before} in ${milliseconds(apart)}`)
        },
      },
      jam: {
        title: 'nothing is jammed',
        confirm: 1,
        check({ target: { belt }, problem }) {
          if (!belt.isJammed) return
          problem({
            key: 'left',
            severity: 'critical',
            summary: 'jammed',
            advice: 'pull',
            resolve: {
              title: 'shake it',
              consent: 'auto',
              settle: 1,
              within: 1,
              run() {
                if (!belt.mends) throw new DidNotHelp('it is stuck')
                belt.isJammed = false
              },
            },
          })
        },
      },
      inside: {
        title: 'it is clean',
        on: false,
        check: ({ cannotTell }) => cannotTell('the lid is closed'),
      },
    },
  })
}

test('a healthy target is ok, with the figures that were noted', async () => {
  const belt = { ...makeBelt(), waiting: 3 }
  await using watch = teller(storyOf(belt))
  const told = await watch.tell('waiting', 'jam')
  expect(told.ok()).toEqual(['3 wait'])
  expect(told.ok('waiting')).toEqual(['3 wait'])
  expect(Object.keys(told.steps)).toEqual(['waiting', 'jam'])
  expect(belt.opened).toBe(0)
})

test('a problem is given with its figures, and closes at 90 % of its limit', async () => {
  const belt = { ...makeBelt(), waiting: 21 }
  await using watch = teller(storyOf(belt), { steps: { waiting: { most: 20 } } })
  expect((await watch.tell('waiting')).problem('waiting')).toEqual({
    key: '',
    severity: 'warning',
    summary: '21 wait (limit 20)',
    advice: 'help',
    evidence: { waiting: 21, token: null },
    cure: null,
  })
  belt.waiting = 19
  expect((await watch.tell('waiting')).problems('waiting')).toHaveLength(1)
  belt.waiting = 17
  expect((await watch.tell('waiting')).ok('waiting')).toEqual(['17 wait'])
})

test('a secret option is taken out of what a step says', async () => {
  const belt = { ...makeBelt(), waiting: 21 }
  await using watch = teller(storyOf(belt), { with: { token: 'hunter2SECRET' } })
  expect((await watch.tell('waiting')).problem('waiting').evidence['token']).not.toContain('hunter2')
})

test('a step that is off is asked where it is named, and what it could not tell is unknown', async () => {
  const off = teller(storyOf(makeBelt()))
  expect(Object.keys((await off.tell()).steps)).not.toContain('inside')
  const on = teller(storyOf(makeBelt()), { steps: { inside: {} } })
  expect((await on.tell('inside')).unknown('inside')).toBe('the lid is closed')
})

test('a target that cannot be reached is the problem of connect, and the rest is skipped', async () => {
  await using watch = teller(storyOf(makeBelt()), { with: { port: await freePort() } })
  const told = await watch.tell()
  expect(told.problem('connect').summary).toContain('nothing listens')
  expect(told.skipped('jam')).toContain('cannot be reached')
})

test('each assertion fails where something else came, and says what', async () => {
  const belt = { ...makeBelt(), waiting: 21, isJammed: true }
  await using watch = teller(storyOf(belt), { steps: { inside: {} } })
  const told = await watch.tell('waiting', 'jam', 'inside')
  const messageOf = (act: () => unknown) => {
    try {
      act()
    } catch (error) {
      expect(error).toBeInstanceOf(AssertionError)
      return (error as AssertionError).message
    }
    return null
  }
  expect(messageOf(() => told.ok('waiting'))).toBe(
    'waiting should be ok:\n  waiting: warning: 21 wait (limit 10)',
  )
  expect(messageOf(() => told.ok())).toBe(
    'waiting, jam, inside should be ok:\n  waiting: warning: 21 wait (limit 10)\n  jam/left: critical: jammed\n  inside: unknown: the lid is closed',
  )
  expect(messageOf(() => told.ok('speed'))).toMatch(/^speed was not asked:/)
  expect(messageOf(() => told.problem('inside'))).toBe(
    'inside should be problem:\n  inside: unknown: the lid is closed',
  )
  expect(messageOf(() => told.problem('jam'))).toMatch(/^there is no problem jam:\n {2}jam\/left/)
  expect(messageOf(() => told.problems('inside'))).not.toBeNull()
  expect(messageOf(() => told.unknown('jam'))).not.toBeNull()
  expect(messageOf(() => told.skipped('jam'))).not.toBeNull()
  await expect(told.cure('waiting')).rejects.toBeInstanceOf(AssertionError)
})

test('a sample of an earlier telling and the clock make a rate', async () => {
  const belt = makeBelt()
  const clock = testClock()
  await using watch = teller(storyOf(belt), { clock })
  await watch.tell('speed')
  clock.advance('10m')
  belt.taken = 50
  expect((await watch.tell('speed')).ok()).toEqual(['50 in 10 min'])
  expect(watch.samples['speed']).toEqual({ at: clock.now(), value: 50 })
  watch.samples = { speed: { at: clock.now() - 2000, value: 45 } }
  expect((await watch.tell('speed')).ok()).toEqual(['5 in 2 s'])
})

test('a cure runs on the open target, which is closed after it', async () => {
  const belt = { ...makeBelt(), isJammed: true }
  const watch = teller(storyOf(belt))
  const told = await watch.tell('jam')
  expect(belt.opened).toBe(1)
  expect(told.problem('jam/left').cure).toEqual({ title: 'shake it', consent: 'auto' })
  await told.cure('jam/left')
  expect(belt.opened).toBe(0)
  ;(await watch.tell('jam')).ok()

  Object.assign(belt, { isJammed: true, mends: false })
  await expect((await watch.tell('jam')).cure('jam/left')).rejects.toThrow(DidNotHelp)
  await watch.tell('jam')
  expect(belt.opened).toBe(1)
  await watch.close()
  expect(belt.opened).toBe(0)
})

test('a round cures what it may, asks again, and tells people that it is healed', async () => {
  const belt = { ...makeBelt(), isJammed: true }
  await using watch = teller(storyOf(belt))
  ;(await watch.tell('jam')).problem('jam/left')
  const round = await watch.round()
  round.ok('jam')
  expect(round.healed).toEqual(['jam/left'])
  expect(round.alarms).toEqual([
    {
      kind: 'healed',
      problem: 'jam/left',
      severity: 'critical',
      summary: 'jammed',
      advice: 'pull',
      tried: [{ title: 'shake it', result: 'healed', detail: null }],
    },
  ])
  expect((await watch.round()).alarms).toEqual([])
})

test('a cure in vain is told as such, rests for the cool-down, and stops at its budget', async () => {
  const belt = { ...makeBelt(), isJammed: true, mends: false }
  const clock = testClock()
  await using watch = teller(storyOf(belt), { clock })
  const first = await watch.round()
  expect(first.alarms).toMatchObject([{ kind: 'raised', problem: 'jam/left' }])
  expect(first.tried('jam/left')).toEqual([{ title: 'shake it', result: 'failed', detail: 'it is stuck' }])
  const results = async () => (await watch.round()).tried('jam/left').map(({ result }) => result)
  expect(await results()).toEqual(['failed', 'held-back'])
  clock.advance('6m')
  expect(await results()).toEqual(['failed', 'held-back', 'failed'])
  clock.advance('6m')
  expect((await results()).at(-1)).toBe('failed')
  clock.advance('6m')
  expect((await watch.round()).tried('jam/left').at(-1)?.detail).toContain('3 attempts in the last hour')
  belt.isJammed = false
  expect((await watch.round()).alarms).toMatchObject([{ kind: 'recovered', problem: 'jam/left' }])
})

test('a cure that asks for consent waits for it in a round', async () => {
  let isOff = true
  await using watch = teller(
    defineStory({
      title: 'Switch',
      options: z.strictObject({}),
      steps: {
        on: {
          title: 'it is on',
          check({ problem }) {
            if (!isOff) return
            const run = () => {
              isOff = false
            }
            const resolve = { title: 'switch it on', consent: 'ask' as const, settle: 1, run }
            problem({ severity: 'warning', summary: 'off', advice: 'on', resolve })
          },
        },
      },
    }),
  )
  expect((await watch.round()).alarms).toMatchObject([{ kind: 'raised', problem: 'on' }])
  const round = await watch.round({ approve: ['on'] })
  expect(round.healed).toEqual(['on'])
  expect(round.alarms).toMatchObject([{ kind: 'recovered', problem: 'on' }])
})

test('rounds and tellings remember one and the same', async () => {
  const belt = makeBelt()
  const clock = testClock()
  await using watch = teller(storyOf(belt), { clock })
  await watch.round()
  clock.advance('1m')
  belt.taken = 7
  expect((await watch.tell('speed')).ok()).toEqual(['7 in 1 min'])
  clock.advance('1m')
  expect((await watch.round()).ok('speed')).toEqual(['0 in 1 min'])
})
