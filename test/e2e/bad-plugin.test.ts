import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makePlace } from '../support/program.ts'
import type { JsonReport } from '../support/reports.ts'
import { startHttpReceiver } from '../support/servers/http-receiver.ts'
import { until } from '../support/servers/until.ts'

const config = `
http: off
store: memory
plugins: [stories]
stories: [{ story: odd, deadlines: { step: 500ms, open: 500ms } }]
`

const files: readonly (readonly [what: string, source: string, fault: string])[] = [
  [
    'throws while it is imported',
    `import 'healthz'\nthrow new Error('no licence for password=hunter2SECRET')`,
    'stories/odd.ts:2  throws while it is imported: no licence for password=***; correct the file; whatever needs a server belongs into open()',
  ],
  [
    'exports nothing',
    'export const story = 1',
    'stories/odd.ts  has no default export; declare it: export default defineStory({ ... })',
  ],
  [
    'exports no story',
    'export default 42',
    'stories/odd.ts  exports no story but a number; declare it: export default defineStory({ ... })',
  ],
  [
    'is never imported',
    'setInterval(() => {}, 1000)\nawait new Promise(() => {})\nexport default 1',
    'stories/odd.ts  not imported within 5 s; it waits for something at its top level; whatever needs a server belongs into open()',
  ],
  [
    'imports what is not there',
    `import { left } from 'left-pad'\nexport default left`,
    `stories/odd.ts  imports something that is not there: left-pad; a file needs its whole name with .ts; a package must be installed beside it; z comes from 'healthz'`,
  ],
]

describe('a file in plugins that', () => {
  test.each(files)('%s is told by name, and nothing is started', async (_, source, fault) => {
    await using place = await makePlace({ 'healthz.yaml': config, 'stories/odd.ts': source })
    const told = { code: 2, stdout: '', stderr: `${fault}\n1 fault in the configuration\n` }
    expect(await Promise.all([place.run('--once'), place.run('-d')])).toMatchObject([told, told])
  })
})

const odd = (inside: string) => `
import { defineStory, z } from 'healthz'
export default defineStory({ title: 'Odd', options: z.strictObject({}), ${inside} })
`

const steps = `{
  hangs: { title: 'hangs', check: () => new Promise(() => {}) },
  throws: { title: 'throws', check() { throw new Error('my own bug\\n    at line 1') } },
  rejects: { title: 'rejects', check: () => Promise.reject(undefined) },
  returns: { title: 'returns', check: () => ({ ok: false }) },
  lies: { title: 'lies', check({ problem }) { problem({ severity: 'awful', summary: 'x', advice: 'y' }) } },
  answers: { title: 'answers', check: () => {} },
}`

describe('a story that', () => {
  test('hangs, throws or gives garbage in a step is unknown there, and nowhere else', async () => {
    await using place = await makePlace({
      'healthz.yaml': config,
      'stories/odd.ts': odd(`steps: ${steps}`),
    })
    const { code, stdout, stderr } = await place.run('--once', '--format', 'json')
    expect([code, stderr]).toEqual([3, ''])
    const report: JsonReport = JSON.parse(stdout)
    const told = report.entries[0]?.steps.map(({ step, outcome, reason }) => `${step} ${outcome}: ${reason}`)
    expect(told).toEqual([
      'hangs unknown: no answer within 500 ms',
      'throws unknown: the step failed: my own bug',
      'rejects unknown: the step failed: undefined',
      'returns unknown: the step failed: returned an object; it should report by problem()',
      'lies unknown: the step failed: reported a problem that is not one: severity Invalid option: expected one of "warning"|"critical"',
      'answers ok: null',
    ])
    expect(report.tookSeconds).toBeLessThan(5)
  })

  test.each([
    ['hangs', '() => new Promise(() => {})', 1, 'could not be reached within 500 ms'],
    ['throws', `() => { throw new TypeError('x is undefined') }`, 3, 'x is undefined'],
  ])('%s while it opens its target is told, without a stack', async (_, open, code, words) => {
    await using place = await makePlace({
      'healthz.yaml': config.replace('story: odd', 'story: odd, confirmAfter: 100ms'),
      'stories/odd.ts': odd(`open: ${open}, steps: { x: { title: 'x', check() {} } }`),
    })
    const ended = await place.run('--once')
    expect(ended).toMatchObject({ code, stderr: '' })
    expect(ended.stdout).toContain(words)
    expect(ended.stdout).not.toMatch(/^\s+at /m)
  })
})

describe('a channel that hangs', () => {
  const stuck = `
import { defineChannel, z } from 'healthz'
export default defineChannel({
  title: 'Stuck',
  options: z.strictObject({}),
  send() {
    process.stderr.write('it hangs\\n')
    return new Promise(() => {})
  },
})
`
  test('holds up no other channel, no round and no end', async () => {
    await using receiver = await startHttpReceiver()
    await using place = await makePlace({
      'healthz.yaml': `
http: off
store: { file: state.db }
plugins: [plugins, "${join(import.meta.dirname, '../support/stories')}"]
stories: [{ story: light, every: 1s, confirmAfter: 100ms, with: { file: light } }]
channels: { stuck: { use: stuck }, hook: { use: webhook, url: "${receiver.url}" } }
alarms: { groupWait: 0s, clear: 1 }
`,
      'plugins/channels/stuck.ts': stuck,
      light: 'red',
    })
    const daemon = place.start('-d')
    await until('the channel hangs', () => daemon.stderr() === 'it hangs\n')
    await until('the other is told', () => receiver.requests[0])
    await place.write('light', 'green')
    await until('the other is told again', () => receiver.requests[1])
    const asked = performance.now()
    daemon.signal('SIGTERM')
    expect((await daemon.ended()).code).toBe(0)
    expect(performance.now() - asked).toBeLessThan(3000)
  })
})
