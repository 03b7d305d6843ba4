import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrokenPlatform, startBrokenPlatform, stateOf } from '../support/broken-platform.ts'
import { describeWith } from '../support/needs.ts'
import { makePlace, type Place } from '../support/program.ts'
import { fromJson, fromJunit, fromTap, fromText } from '../support/reports.ts'
import { type Smtp, startSmtp } from '../support/servers/smtp.ts'
import { until } from '../support/servers/until.ts'

/** One platform from broken to well, so the order of these tests is part of them. */
describeWith(['redis', 'supervisor', 'mariadb', 'rabbitmq'], 'healthz --once on a broken platform', () => {
  const stack = new AsyncDisposableStack()
  let platform: BrokenPlatform
  let place: Place
  let smtp: Smtp
  const once = (...args: readonly string[]) => place.run('--once', '-c', 'platform.yaml', ...args)

  beforeAll(async () => {
    platform = stack.use(await startBrokenPlatform())
    smtp = stack.use(await startSmtp())
    place = stack.use(await makePlace())
    await place.write(
      'platform.yaml',
      `
platform: shop
node: n1
http: off
store: { file: state.db }
channels: { ops: { use: mail, smtp: "${smtp.url}", to: ops@example.com } }
${platform.config}`,
    )
  }, 90_000)
  afterAll(() => stack.disposeAsync())

  async function expectUntouched() {
    await expect(platform.redis.cli('set', 'a', 2)).rejects.toThrow('MISCONF')
    expect(await platform.redis.cli('info', 'commandstats')).toMatch(/cmdstat_bgsave:calls=1,/)
    expect(await stateOf(platform.supervisor)).toBe('FATAL')
    expect(smtp.mails).toHaveLength(0)
  }

  test('it tells each problem with its figures and what to do, and touches nothing if it shall only look', async () => {
    const { code, stdout, stderr } = await once('--no-resolve')
    expect(stderr).toBe('')
    expect(fromText(stdout).toSorted()).toEqual([
      'cache/persistence problem',
      'db/connections problem',
      'programs/fatal problem',
      'queue/backlog problem',
    ])
    const words = flat(stdout)
    expect(words).toContain('no writes are taken until one is (1 change unsaved)')
    expect(words).toContain('to do look into its log for the reason: a full disk, missing rights')
    expect(words).toContain('worker is down: supervisord gave up starting it')
    expect(words).toContain('the last line of its log is: no licence')
    expect(words).toContain('11 of 10 connections are in use (110 %, limit 95 %)')
    expect(words).toContain('raise max_connections; most are held by hz from 127.0.0.1 (10')
    expect(words).toContain('holds 120 messages (limit 100) and does not shrink')
    expect(words).toContain('to do start a consumer of this queue')
    expect(words).toMatch(/4 critical, \d+ ok/)
    expect(code).toBe(1)
    await expectUntouched()
  })

  test('all formats hold the same verdicts', async () => {
    const json = await once('--no-resolve', '--format', 'json')
    const junit = await once('--no-resolve', '--format', 'junit')
    const tap = await once('--no-resolve', '--format', 'tap')
    const verdicts = fromJson(json.stdout)
    expect(verdicts.length).toBeGreaterThan(25)
    expect(verdicts.filter((verdict) => verdict.endsWith(' problem'))).toHaveLength(4)
    expect(fromJunit(junit.stdout)).toEqual(verdicts)
    expect(fromTap(tap.stdout)).toEqual(verdicts)
    expect([json.code, junit.code, tap.code]).toEqual([1, 1, 1])
  })

  test('a rehearsal says what it would do, and does nothing', async () => {
    const { code, stdout } = await once('--dry-run')
    const words = flat(stdout)
    expect(words).toContain('tried start worker with supervisord: would be done now; this is a rehearsal')
    expect(words).toContain('tried save a snapshot again (BGSAVE): would be done now; this is a rehearsal')
    expect(code).toBe(1)
    await expectUntouched()
  })

  test('--only and --tag tell the entries that they name', async () => {
    const only = await once('--no-resolve', '--format', 'json', '--only', 'programs')
    const tag = await once('--no-resolve', '--format', 'json', '--tag', 'data')
    const entries = (report: string) => [
      ...new Set(fromJson(report).map((verdict) => verdict.split('/', 1)[0])),
    ]
    expect(entries(only.stdout)).toEqual(['programs'])
    expect(entries(tag.stdout)).toEqual(['cache', 'db'])
  })

  test('--alarm tells people once', async () => {
    await once('--no-resolve', '--alarm')
    await once('--no-resolve', '--alarm')
    expect(smtp.mails).toHaveLength(1)
    const [mail] = smtp.mails
    expect(mail?.header('subject')).toContain('[healthz shop] CRITICAL 4 raised')
    expect(mail?.to).toEqual(['ops@example.com'])
    expect(mail?.text).toContain('11 of 10 connections are in use')
    expect(mail?.text).toContain('what to do: start a consumer of this queue')
  })

  test('what can be cured is cured and looked at again; the rest remains', { timeout: 60_000 }, async () => {
    await platform.makeCurable()
    const { code, stdout } = await once('--alarm')
    const words = flat(stdout)
    expect(words).toMatch(
      /HEALED cache\/persistence\/snapshot the last .* tried save a snapshot again .*: healed in/,
    )
    expect(words).toMatch(/HEALED programs\/fatal\/worker worker is .* tried start worker .*: healed in/)
    expect(fromText(stdout).toSorted()).toEqual(['db/connections problem', 'queue/backlog problem'])
    expect(stdout).toMatch(/2 critical, 2 healed, \d+ ok/)
    expect(code).toBe(1)
    expect(await platform.redis.cli('set', 'a', 2)).toBe('OK')
    expect(await stateOf(platform.supervisor)).toBe('RUNNING')
    expect(smtp.mails[1]?.header('subject')).toContain('OK 2 recovered')
    expect(smtp.mails[1]?.text).toMatch(/tried: start worker with supervisord .*healed/)
    expect((await once()).code).toBe(1)
  })

  test('it ends with 0 once all faults are gone', async () => {
    await platform.mendTheRest()
    const { code, stdout } = await once('--alarm')
    expect(fromText(stdout)).toEqual([])
    expect(code).toBe(0)
    expect(smtp.mails[2]?.header('subject')).toContain('OK 2 recovered')
    expect(smtp.mails).toHaveLength(3)
  })
})

describe('healthz --once', () => {
  const config = `
http: off
store: memory
plugins: [stories]
stories: [{ story: odd, deadlines: { step: 10s } }]
`
  const story = (check: string) => `
import { defineStory, z } from 'healthz'
export default defineStory({
  title: 'Odd',
  options: z.strictObject({}),
  steps: { known: { title: 'known', check({ cannotTell, signal }) { ${check} } } },
})
`

  test('it ends with 3 where nothing is worse than unknown', async () => {
    await using place = await makePlace({
      'healthz.yaml': config,
      'stories/odd.ts': story(`cannotTell('the right to look is missing')`),
    })
    const { code, stdout } = await place.run('--once')
    expect(fromText(stdout)).toEqual(['odd/known unknown'])
    expect(stdout).toContain('the right to look is missing')
    expect(code).toBe(3)
    const tap = await place.run('--once', '--format', 'tap')
    expect(fromTap(tap.stdout)).toEqual(['odd/known unknown'])
    const junit = await place.run('--once', '--format', 'junit')
    expect(fromJunit(junit.stdout)).toEqual(['odd/known unknown'])
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('asked to end by %s it prints no report, says so and ends with %i', async (signal, code) => {
    await using place = await makePlace({
      'healthz.yaml': config,
      'stories/odd.ts': story(`process.stderr.write('looking'); return new Promise(() => {})`),
    })
    const program = place.start('--once')
    await until('it looks', () => program.stderr() === 'looking')
    program.signal(signal)
    expect(await program.ended()).toMatchObject({
      code,
      stdout: '',
      stderr: 'lookinghealthz: interrupted; nothing was decided\n',
    })
  })
})

/** The words of a report, wherever its lines end. */
function flat(text: string): string {
  return text.replace(/\s+/g, ' ')
}
