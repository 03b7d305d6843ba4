import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import command from '../../../stories/command/index.ts'
import { makeTempDir, type TempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

describe('a command', () => {
  let dir: TempDir
  beforeAll(async () => {
    dir = await makeTempDir()
  })
  afterAll(() => dir?.[Symbol.asyncDispose]())

  const path = (name: string) => join(dir.path, name)
  const script = async (name: string, ...lines: readonly string[]): Promise<string> => {
    await writeFile(path(name), ['#!/bin/sh', ...lines, ''].join('\n'))
    await chmod(path(name), 0o755)
    return path(name)
  }
  const sh = (text: string, more: Record<string, unknown> = {}) =>
    teller(command, { command: ['/bin/sh', '-c', text], ...more })

  test('one that ends with 0 is fine, and what it says is shown', async () => {
    const told = await sh('echo "USERS OK - 0 users currently logged in |users=0;5;10;0"').tell()
    expect(told.outcomes()).toEqual({ connect: 'ok', exit: 'ok' })
    expect(JSON.stringify(told.step('exit').notes)).toContain('0 users currently logged in')
  })

  test.each([
    [1, 'problem', 'warning'],
    [2, 'problem', 'critical'],
  ])('exit status %i is a %s that is %s', async (status, outcome, severity) => {
    const told = await sh(`echo "DISK LOW | /=1B"; echo "root is full"; exit ${status}`, {
      advice: 'delete',
    }).tell()
    expect(told.summaries('exit')).toEqual(['sh says: DISK LOW'])
    expect(told.step('exit')).toMatchObject({
      outcome,
      findings: [{ severity, advice: 'delete', evidence: { exitStatus: status, more: 'root is full' } }],
    })
  })

  test.each([
    ['echo "cannot say"; exit 3', 'sh says: cannot say'],
    ['exit 3', 'sh says nothing'],
    ['/nonexistent', 'a program that it needs is not there'],
    ['exit 126', 'a program that it needs is not there'],
    ['exit 7', 'ended with exit status 7, which means nothing to a check'],
    ['kill -9 $$', 'sh was ended by SIGKILL'],
  ])('"%s" is unknown, never ok', async (text, reason) => {
    const told = await sh(text).tell()
    expect(told.step('exit')).toMatchObject({ outcome: 'unknown', findings: [] })
    expect(told.reason('exit')).toContain(reason)
  })

  test('what an exit status means may be told otherwise', async () => {
    const exits = { 7: 'critical', 1: 'ok' }
    expect((await sh('exit 7', { exits }).tell()).step('exit').findings).toMatchObject([
      { severity: 'critical' },
    ])
    expect((await sh('exit 1', { exits }).tell()).step('exit').outcome).toBe('ok')
  })

  test('a program that is not there, or may not be run, is unknown', async () => {
    await writeFile(path('plain'), 'echo')
    const reasons = []
    for (const program of ['/nonexistent', 'no-such-program', path('plain')]) {
      const told = await teller(command, { command: [program] }).tell()
      expect(told.step('exit').outcome).toBe('unknown')
      reasons.push(told.reason('exit'))
    }
    expect(reasons).toEqual([
      'the program /nonexistent is not installed on this node',
      'the program no-such-program is not installed on this node',
      `the program ${path('plain')} may not be run by the user of the watchman`,
    ])
  })

  test('there is no shell: what means something to one is only a word', async () => {
    const words = ['$(touch x)', '; touch x', '`touch x`', '*', '&& false', '${HOME}']
    const told = await teller(command, { command: ['/bin/echo', ...words], cwd: dir.path }).tell()
    expect(JSON.stringify(told.step('exit').notes)).toContain(JSON.stringify(words.join(' ')).slice(1, -1))
    await expect(readFile(path('x'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('it gets a plain environment with what the entry gives, and runs where it should', async () => {
    process.env['HEALTHZ_LEAK'] = marker
    try {
      const told = await sh('pwd; env', {
        env: { GIVEN: 'this' },
        cwd: dir.path,
        exits: { 0: 'warning' },
      }).tell()
      expect(told.summaries('exit')).toEqual([`sh says: ${dir.path}`])
      const more = String(told.step('exit').findings[0]?.evidence['more'])
      const names = more.split('\n').map((line) => line.split('=', 1)[0])
      expect(names).toContain('GIVEN')
      expect(names).toContain('PATH')
      expect(names).not.toContain('HEALTHZ_LEAK')
      expect(more).toContain('LC_ALL=C.UTF-8')
    } finally {
      delete process.env['HEALTHZ_LEAK']
    }
  })

  test('secrets and arguments are never shown, not even a part of one', async () => {
    const options = {
      command: [
        '/bin/sh',
        '-c',
        `echo "${'x'.repeat(280)}$PW"; echo "password=$PW $PW"; echo "$PW" >&2; exit 2`,
      ],
      env: { PW: marker.repeat(3) },
    }
    const told = await teller(command, options).tell()
    for (const shown of [told, told.step('exit')]) {
      expect(JSON.stringify(shown)).not.toContain('hunter')
      expect(inspect(shown, { depth: 20 })).not.toContain('hunter')
    }
    const missing = await teller(command, { command: ['/nonexistent', marker] }).tell()
    expect(JSON.stringify(missing)).not.toContain(marker)
  })

  test('past its time it is ended with all that it started', async () => {
    const file = path('pids')
    const told = await sh(`sleep 99 & echo $! > ${file}; echo $$ >> ${file}; wait`, {
      timeout: '500ms',
    }).tell()
    expect(told.reason('exit')).toBe('the program /bin/sh did not end within 500 ms')
    for (const pid of await pidsIn(file)) await until('it is gone', async () => !(await isRunning(pid)))
  })

  test('a child that is left behind is ended', async () => {
    const file = path('left')
    const told = await sh(`sleep 99 & echo $! > ${file}; echo fine`).tell()
    expect(told.step('exit').outcome).toBe('ok')
    for (const pid of await pidsIn(file)) await until('it is gone', async () => !(await isRunning(pid)))
  })

  test('endless output is bounded, and does not stop the program', async () => {
    const told = await sh('echo begin; head -c 5000000 /dev/zero | tr "\\0" x; exit 1').tell()
    expect(told.step('exit').findings).toMatchObject([{ summary: { values: ['sh', 'begin'] } }])
    expect(JSON.stringify(told).length).toBeLessThan(5000)
  })

  test('a document names its problems, twenty at most', async () => {
    const problems = [
      { severity: 'warning', message: 'disk is 85 % full', solution: 'delete old logs' },
      { severity: 'critical', message: 'no backup since Monday', key: 'backup' },
    ]
    const json = (document: unknown) =>
      teller(command, { command: ['/bin/echo', JSON.stringify(document)], output: 'json' }).tell()
    const told = await json({ problems })
    expect(told.outcomes()).toEqual({ connect: 'ok', json: 'problem' })
    expect(told.step('json').findings).toMatchObject([
      { severity: 'critical', summary: 'no backup since Monday', key: 'backup' },
      { severity: 'warning', summary: 'disk is 85 % full', advice: 'delete old logs', key: '1' },
    ])
    expect((await json({ problems: [] })).step('json').outcome).toBe('ok')
    const many = await json({ problems: Array.from({ length: 30 }, () => problems[0]) })
    expect(many.step('json').findings).toHaveLength(20)
  })

  test.each([
    ['echo oops', 'does not print'],
    ['echo "{\\"problems\\": [{\\"severity\\": \\"bad\\"}]}"', 'does not print'],
    ['echo "{\\"problems\\": []}"; exit 2', 'ended with exit status 2, but names no problem'],
    ['exit 3', 'cannot tell (exit status 3)'],
    ['head -c 70000 /dev/zero | tr "\\0" " "; echo "{\\"problems\\": []}"', 'prints more than is read'],
  ])('a document that %s gives not is unknown', async (text, reason) => {
    const told = await sh(text, { output: 'json' }).tell()
    expect(told.step('json')).toMatchObject({ outcome: 'unknown', findings: [] })
    expect(told.reason('json')).toContain(reason)
  })

  test('figures are judged by limits that the program does not know, and it runs once for all steps', async () => {
    const file = path('runs')
    const output = "LOAD OK|load1=5.5;100;200;0; 'free space'=3MB;; odd=U"
    const perfdata = [
      { label: 'load1', warn: '4', crit: '0:6' },
      { label: 'free space', crit: '10:' },
      { label: 'odd', warn: '1' },
      { label: 'missing', warn: '1' },
    ]
    const told = await sh(`echo run >> ${file}; echo "${output}"`, { perfdata }).tell()
    expect(told.summaries('perfdata')).toEqual(['load1 is 5.5 (limit 4)', 'free space is 3MB (limit 10:)'])
    expect(told.step('perfdata').findings).toMatchObject([{ severity: 'warning' }, { severity: 'critical' }])
    expect(told.reason('perfdata')).toBe('sh could not tell odd, sh prints no figure missing')
    expect(told.step('exit').outcome).toBe('ok')
    expect(await readFile(file, 'utf8')).toBe('run\n')
    const inverted = await sh(`echo "${output}"`, { perfdata: [{ label: 'load1', warn: '@5:6' }] }).tell()
    expect(inverted.step('perfdata').outcome).toBe('problem')
    const well = await sh(`echo "${output}"`, { perfdata: [{ label: 'load1', warn: 6 }] }).tell()
    expect(well.step('perfdata').outcome).toBe('ok')
    const broken = await sh('echo "fine | figures: none"', {
      perfdata: [{ label: 'load1', warn: '4' }],
    }).tell()
    expect(broken.reason('perfdata')).toBe('the figures that sh prints cannot be read')
  })

  test('a program that may mend it runs with consent, and only the check says whether it helped', async () => {
    const flag = path('flag')
    const mend = await script('mend', `touch ${flag}`)
    const check = ['/bin/sh', '-c', `test -e ${flag}`]
    const watch = teller(command, { command: check, resolve: { command: [mend] } })
    const told = await watch.tell()
    expect(told.step('exit').findings).toMatchObject([{ cure: { consent: 'ask' } }])
    await told.cure('exit')
    expect((await watch.tell()).step('exit').outcome).toBe('ok')

    const vain = await script('vain', 'exit 4')
    const other = teller(command, { command: ['/bin/sh', '-c', 'exit 2'], resolve: { command: [vain] } })
    await expect((await other.tell()).cure('exit')).rejects.toMatchObject({
      name: 'DidNotHelp',
      reason: { template: '{0} ended with exit status {1}' },
    })
    const gone = teller(command, {
      command: ['/bin/sh', '-c', 'exit 2'],
      resolve: { command: ['/nonexistent'] },
    })
    await expect((await gone.tell()).cure('exit')).rejects.toMatchObject({ name: 'DidNotHelp' })
  })

  test('what is well again is left alone', async () => {
    const [state, acted] = [path('state'), path('acted')]
    const mend = await script('touch', `touch ${acted}`)
    const watch = teller(command, {
      command: ['/bin/sh', '-c', `test -e ${state}`],
      resolve: { command: [mend] },
    })
    const told = await watch.tell()
    await writeFile(state, '')
    await told.cure('exit')
    await expect(readFile(acted)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

async function pidsIn(file: string): Promise<readonly number[]> {
  const pids = (await readFile(file, 'utf8')).trim().split('\n').map(Number)
  expect(pids.every((pid) => pid > 1)).toBe(true)
  return pids
}

/** A zombie whose parent is gone still has an entry, until init takes it. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}
