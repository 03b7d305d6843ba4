import { DidNotHelp } from 'healthz'
import { describe, expect, test } from 'vitest'
import story from '../../../../stories/process/index.ts'
import { parseUnit, type Systemd, systemd } from '../../../../stories/process/systemd.ts'
import { restartsWithin } from '../../../../stories/process/unit.ts'
import { teller } from '../../../support/teller.ts'

// `systemctl show -p ...` of systemd 252, for a unit that failed.
const failed = `Type=simple
MainPID=0
Result=exit-code
NRestarts=0
ExecMainStatus=203
LoadState=loaded
ActiveState=failed
SubState=failed
UnitFileState=enabled
`

const shown = (changes: Record<string, string>) =>
  Object.entries(changes).reduce(
    (text, [name, value]) => text.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`),
    failed,
  )

const active = shown({ ActiveState: 'active', SubState: 'running', Result: 'success', ExecMainStatus: '0' })

/** A systemd that shows these one after the other, and the last one for good. */
function recorded(...states: string[]): Systemd & { readonly acts: string[] } {
  const acts: string[] = []
  return {
    acts,
    show: async () => parseUnit((states.length > 1 ? states.shift() : states[0]) ?? ''),
    act: async (verb) => {
      acts.push(verb)
      return 0
    },
  }
}

const watch = (by: Systemd, limits: Record<string, unknown> = {}) =>
  teller(
    { ...story, open: () => ({ find: async () => [], seen: async () => [], systemd: by }) },
    { unit: 'web.service' },
    { unit: limits },
  )

describe('parseUnit', () => {
  test('reads what systemctl shows', () => {
    expect(parseUnit(failed)).toEqual({
      load: 'loaded',
      active: 'failed',
      sub: 'failed',
      result: 'exit-code',
      restarts: 0,
      exitStatus: 203,
      fileState: 'enabled',
      type: 'simple',
      mainPid: 0,
    })
  })
})

describe('the unit', () => {
  test('that runs is well', async () => {
    expect((await watch(recorded(active)).tell('unit')).step('unit').outcome).toBe('ok')
  })

  test('that failed is told with its reason', async () => {
    const told = await watch(recorded(failed)).tell('unit')
    expect(told.summaries('unit')).toEqual(['web.service has failed: it ended with exit code 203'])
    expect(told.cures.get('unit')?.consent).toBe('auto')
  })

  test.each([
    ['signal', '9', 'it was ended by signal 9'],
    ['oom-kill', '9', 'the kernel killed it for lack of memory'],
    ['timeout', '15', 'it did not start or stop in time'],
  ])('that failed by %s says so', async (Result, ExecMainStatus, words) => {
    const told = await watch(recorded(shown({ Result, ExecMainStatus }))).tell('unit')
    expect(told.summaries('unit')).toEqual([`web.service has failed: ${words}`])
  })

  test('that systemd gave up is started only when a person asks', async () => {
    const by = recorded(shown({ Result: 'start-limit-hit' }))
    const told = await watch(by).tell('unit')
    expect(told.cures.get('unit')?.consent).toBe('ask')
  })

  test.each([
    ['waits to be started again', { ActiveState: 'activating', SubState: 'auto-restart' }, 'critical', 3],
    [
      'is enabled and does not run',
      { ActiveState: 'inactive', SubState: 'dead', Result: 'success' },
      'warning',
      undefined,
    ],
    ['is not known', { LoadState: 'not-found', ActiveState: 'inactive' }, 'critical', 1],
  ])('that %s is told', async (_, changes, severity, confirm) => {
    const told = await watch(recorded(shown(changes))).tell('unit')
    expect(told.step('unit').findings).toMatchObject([{ severity }])
    expect(told.step('unit').findings[0]?.confirm).toBe(confirm)
    expect(told.cures.size).toBe(0)
  })

  test.each([
    ['a disabled unit that does not run', { ActiveState: 'inactive', UnitFileState: 'disabled' }],
    ['a task that has done its work', { ActiveState: 'inactive', Type: 'oneshot' }],
  ])('%s is well', async (_, changes) => {
    const told = await watch(recorded(shown({ Result: 'success', ...changes }))).tell('unit')
    expect(told.step('unit').outcome).toBe('ok')
  })

  test('that systemd restarts again and again is told', async () => {
    const restarted = (times: number) => active.replace('NRestarts=0', `NRestarts=${times}`)
    const watched = watch(recorded(restarted(4), restarted(5), restarted(7)))
    expect((await watched.tell('unit')).step('unit').outcome).toBe('ok')
    expect((await watched.tell('unit')).step('unit').outcome).toBe('ok')
    expect((await watched.tell('unit')).summaries('unit')).toEqual([
      'systemd has restarted web.service 3 times within 10 min (limit 3)',
    ])
  })

  test('here, without systemd, is unknown', async ({ skip }) => {
    const isThere = await systemd.show('x.service', AbortSignal.timeout(5000)).then(
      () => true,
      () => false,
    )
    skip(isThere, 'this host runs systemd')
    const told = await teller(story, { unit: 'web.service' }).tell()
    expect(told.reason('unit')).toBe('this host does not run systemd')
    const outcomes = Object.values(told.steps).map(({ outcome }) => outcome)
    expect(outcomes.filter((outcome) => outcome === 'unknown')).toHaveLength(1)
  })
})

describe('the cure of a unit', () => {
  test('starts it and sees it stay up', async () => {
    const by = recorded(failed, failed, active)
    await (await watch(by, { steady: '1s' }).tell('unit')).cure('unit')
    expect(by.acts).toEqual(['start'])
  })

  test('owns up when systemd has to restart it once more', async () => {
    const by = recorded(failed, failed, active, active, active.replace('NRestarts=0', 'NRestarts=1'))
    const cured = (await watch(by, { steady: '5s' }).tell('unit')).cure('unit')
    await expect(cured).rejects.toBeInstanceOf(DidNotHelp)
  })

  test('resets the start limit first where that was hit', async () => {
    const limit = shown({ Result: 'start-limit-hit' })
    const done = shown({ ActiveState: 'inactive', Result: 'success', Type: 'oneshot' })
    const by = recorded(limit, limit, done)
    await (await watch(by).tell('unit')).cure('unit')
    expect(by.acts).toEqual(['reset-failed', 'start'])
  })

  test('leaves alone what a person stopped meanwhile', async () => {
    const by = recorded(failed, shown({ ActiveState: 'inactive', Result: 'success' }))
    await expect((await watch(by).tell('unit')).cure('unit')).rejects.toBeInstanceOf(DidNotHelp)
    expect(by.acts).toEqual([])
  })

  test('owns up when the unit fails again', async () => {
    const by = recorded(failed)
    await expect((await watch(by).tell('unit')).cure('unit')).rejects.toBeInstanceOf(DidNotHelp)
  })
})

describe('restartsWithin', () => {
  test.each([
    [[[0, 5]], 0],
    [
      [
        [0, 5],
        [60_000, 7],
      ],
      2,
    ],
    [
      [
        [0, 0],
        [300_000, 5],
        [700_000, 7],
      ],
      6,
    ],
    [
      [
        [0, 0],
        [1_200_000, 6],
      ],
      3,
    ],
  ] as const)('of %j is %i', (counted, restarts) => {
    expect(restartsWithin(counted, 600_000)).toBe(restarts)
  })
})
