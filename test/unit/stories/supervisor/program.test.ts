import { render } from 'healthz'
import { describe, expect, test } from 'vitest'
import { lastLine } from '../../../../stories/supervisor/last-words.ts'
import {
  isHopeless,
  isListed,
  parsePrograms,
  parseSettings,
  states,
  whyDown,
} from '../../../../stories/supervisor/program.ts'

// As supervisord 4.2.5 sent it.
const exited = {
  name: 'worker_00',
  group: 'pool',
  start: 1795215500,
  stop: 1795215502,
  now: 1795215562,
  state: 100,
  statename: 'EXITED',
  spawnerr: 'Bad exit code 7',
  exitstatus: 7,
  logfile: '/tmp/worker_00-stdout.log',
  stdout_logfile: '/tmp/worker_00-stdout.log',
  stderr_logfile: '/tmp/worker_00-stderr.log',
  pid: 0,
  description: 'Nov 20 11:05 PM',
}

function program(changes: Partial<typeof exited>) {
  const [parsed] = parsePrograms([{ ...exited, ...changes }])
  if (parsed === undefined) throw new Error('not parsed')
  return parsed
}

describe('a program', () => {
  test('is named as supervisorctl names it', () => {
    expect(program({}).name).toBe('pool:worker_00')
    expect(program({ group: 'web', name: 'web' }).name).toBe('web')
  })

  test.each([
    [{}, 'it ended with exit code 7'],
    [{ spawnerr: 'Bad exit code -1', exitstatus: -1 }, 'it was killed by a signal'],
    [{ spawnerr: '', exitstatus: 0 }, 'it ended with exit code 0'],
    [
      { state: states.fatal, spawnerr: 'Exited too quickly (process log may have details)' },
      'it ends right after each start',
    ],
    [{ state: states.starting, spawnerr: '' }, 'it ends right after each start'],
    [{ state: states.fatal, spawnerr: "can't find command '/nonexistent'" }, 'its command does not exist'],
    [
      { state: states.fatal, spawnerr: "command at '/etc/passwd' is not executable" },
      'its command cannot be run',
    ],
    [
      { state: states.backoff, spawnerr: "too many open files to spawn 'x'" },
      "too many open files to spawn 'x'",
    ],
  ])('%j: %s', (changes, words) => {
    expect(render(whyDown(program(changes)))).toBe(words)
  })

  test('is hopeless where its command is missing, not where it fails', () => {
    expect(isHopeless(program({ spawnerr: "can't find command '/nonexistent'" }))).toBe(true)
    expect(isHopeless(program({}))).toBe(false)
  })

  test.each([
    ['pool:worker_00', true],
    ['pool:*', true],
    ['worker_00', false],
    ['pool', false],
    ['web:web', false],
  ])('%s lists it: %s', (item, listed) => {
    expect(isListed([item], program({}))).toBe(listed)
  })

  test('of a group of its own is listed by its plain and its full name', () => {
    const web = program({ group: 'web', name: 'web' })
    expect(isListed(['web'], web)).toBe(true)
    expect(isListed(['web:web'], web)).toBe(true)
    expect(isListed(['web:*'], web)).toBe(true)
  })
})

describe('settings', () => {
  test('keep no command', () => {
    const settings = parseSettings([
      {
        name: 'web',
        group: 'web',
        inuse: true,
        startsecs: 5,
        stopwaitsecs: 20,
        command: '/bin/web --password hunter2SECRET',
      },
    ])
    expect(settings.get('web')).toEqual({
      name: 'web',
      group: 'web',
      isInUse: true,
      startSeconds: 5,
      stopSeconds: 20,
    })
  })
})

describe('lastLine', () => {
  test.each([
    ['one\ntwo\n\n', 'two'],
    ['\u001b[31mred\u001b[0m\n', 'red'],
    ['\n \n', null],
    ['', null],
    [null, null],
  ])('of %j is %j', (tail, line) => {
    expect(lastLine(tail)).toBe(line)
  })
})
