import { expect, test } from 'vitest'
import { runProgram } from '../../../src/clients/run-program.ts'
import { Secret } from '../../../src/core/secret.ts'
import { CannotTell } from '../../../src/core/story.ts'
import { render } from '../../../src/core/text.ts'
import { until } from '../../support/servers/until.ts'

const never = new AbortController().signal

test('it gives the exit status and both outputs, and hands no secret of the environment on', async () => {
  process.env['HEALTHZ_TEST_SECRET'] = 'hunter2SECRET'
  const ran = await sh('pwd; env; echo oops >&2; exit 3')
  delete process.env['HEALTHZ_TEST_SECRET']
  expect(ran).toMatchObject({ code: 3, endedBy: null, stderr: 'oops\n', isTruncated: false })
  expect(ran.stdout).toMatch(/^\/\n/)
  expect(ran.stdout).toContain('LC_ALL=C.UTF-8\n')
  expect(ran.stdout).not.toContain('hunter2SECRET')
})

test('it runs where it should, with the secrets it is given', async () => {
  const { stdout } = await sh('pwd; echo $PW', { cwd: '/usr', env: { PW: new Secret('hunter2SECRET') } })
  expect(stdout).toBe('/usr\nhunter2SECRET\n')
})

test('the signal that ends it is told', async () => {
  expect(await sh('kill -9 $$')).toMatchObject({ code: null, endedBy: 'SIGKILL' })
})

test('a program that writes without end is cut off, and goes on all the same', async () => {
  const ran = await sh('head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2; exit 4')
  expect(ran).toMatchObject({ code: 4, isTruncated: true })
  expect([ran.stdout.length, ran.stderr.length]).toEqual([65_536, 65_536])
  expect(await sh('head -c 65536 /dev/zero')).toMatchObject({ isTruncated: false })
})

test('past its time it is asked to end, with its children, and may clean up', async () => {
  const mark = newMark()
  const before = performance.now()
  const running = sh(`trap 'sleep 0.1; exit 0' TERM; sleep ${mark} & wait`, { timeout: 200 })
  await expect(reasonOf(running)).resolves.toBe('the program sh did not end within 200 ms')
  expect(performance.now() - before).toBeGreaterThan(290)
  await untilGone(mark)
})

test('one that does not listen is killed with its children a moment later', async () => {
  const mark = newMark()
  const running = sh(`trap '' TERM; (trap '' TERM; sleep ${mark}) & while :; do sleep 1; done`, {
    timeout: 200,
  })
  await expect(reasonOf(running)).resolves.toBe('the program sh did not end within 200 ms')
  await untilGone(mark)
})

test('an abort kills it at once with its children', async () => {
  const mark = newMark()
  const aborting = new AbortController()
  const running = sh(`trap '' TERM; sleep ${mark} & wait`, { timeout: 60_000, signal: aborting.signal })
  await until('it runs', () => isRunning(mark))
  aborting.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  await untilGone(mark)
  expect(() => sh('true', { signal: aborting.signal })).toThrow('enough')
})

test('what it leaves behind keeps nobody waiting, and goes on', async () => {
  const mark = newMark()
  const ran = await sh(`sleep ${mark} & echo $!`, { timeout: 60_000 })
  expect(ran.code).toBe(0)
  expect(await isRunning(mark)).toBe(true)
  process.kill(Number(ran.stdout), 'SIGKILL')
})

test('what it leaves behind is ended where that is wanted', async () => {
  const mark = newMark()
  expect(await sh(`sleep ${mark} & echo fine`, { endsGroup: true })).toMatchObject({
    code: 0,
    stdout: 'fine\n',
  })
  await untilGone(mark)
})

test.each([
  ['/nonexistent/program', {}, 'the program /nonexistent/program is not installed on this node'],
  [
    'sh',
    { cwd: '/nonexistent' },
    'the program sh is not installed on this node, or there is no directory /nonexistent',
  ],
  ['/etc/passwd', {}, 'the program /etc/passwd may not be run by the user of the watchman'],
])('%s %j cannot be run, and that is said', async (program, options, reason) => {
  const running = runProgram([program], { timeout: 5000, signal: never, ...options })
  await expect(reasonOf(running)).resolves.toBe(reason)
})

function sh(script: string, options: Partial<Parameters<typeof runProgram>[1]> = {}) {
  return runProgram(['sh', '-c', script], { timeout: 8000, signal: never, ...options })
}

/** An argument of sleep by which the process is found. */
const newMark = () => `30${Math.floor(Math.random() * 1e6)}`

async function isRunning(mark: string): Promise<boolean> {
  const { stdout } = await runProgram(['ps', '-eo', 'args'], { timeout: 5000, signal: never })
  return stdout.split('\n').includes(`sleep ${mark}`)
}

const untilGone = (mark: string) => until('the child is gone', async () => !(await isRunning(mark)))

async function reasonOf(running: Promise<unknown>): Promise<string> {
  return running.then(
    () => 'it ran',
    (error) => (error instanceof CannotTell ? render(error.reason) : String(error)),
  )
}
