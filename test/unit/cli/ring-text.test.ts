import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadLanguage } from '../../../src/cli/language.ts'
import { type RingMember, type RingReport, ringText } from '../../../src/cli/report/ring-text.ts'
import { displayWidth } from '../../../src/cli/report/typography.ts'
import { english } from '../../../src/core/text.ts'

const since = '2026-11-20T22:45:00.000Z'

const member = (name: string, more: Partial<RingMember> = {}): RingMember => ({
  name,
  state: 'active',
  isLeader: false,
  beatAgeSeconds: 0.123,
  isSilent: false,
  shards: 86,
  roles: [],
  address: `${name}.internal:9180`,
  version: '0.1.0',
  config: '7b73d6b35606',
  isOtherConfig: false,
  ...more,
})

const healthy: RingReport = {
  cluster: 'shop',
  leader: { name: 'watch-2', epoch: 1_795_230_269_078, since },
  quarantineSeconds: 0,
  members: [member('watch-1', { shards: 9 }), member('watch-2', { isLeader: true, beatAgeSeconds: 12 })],
  lost: [],
  isolated: [],
  shards: 256,
  entries: [
    { name: 'cache', scope: 'cluster', owner: 'watch-1', role: null },
    { name: 'host', scope: 'node', owner: null, role: null },
  ],
}

const told = (report: Partial<RingReport> = {}, width = 120, language = english) =>
  ringText({ ...healthy, ...report }, { width, colour: false, language })

test('who leads, who is there, and who tells what', () => {
  expect(told()).toBe(`shop: 2 members, watch-2 leads since 2026-11-20 22:45:00 UTC

   name     state    heartbeat  shards  address                version  configuration
   watch-1  active  123 ms ago   9/256  watch-1.internal:9180  0.1.0    7b73d6b35606
★  watch-2  active    12 s ago  86/256  watch-2.internal:9180  0.1.0    7b73d6b35606

entry  told by
cache  watch-1
host   every node, of itself
`)
})

test('what is wrong stands first: no leader, a wait, who is lost, who is cut off', () => {
  const text = told({
    leader: null,
    quarantineSeconds: 4.2,
    members: [member('watch-1', { isSilent: true, beatAgeSeconds: 3.4 })],
    lost: [{ name: 'watch-3', host: 'rack-7', at: since }],
    isolated: [{ name: 'watch-1', fault: 'auth' }],
    entries: [{ name: 'cache', scope: 'cluster', owner: null, role: null }],
  })
  expect(text.split('\n').slice(0, 4)).toEqual([
    'shop: 1 member, no leader',
    '▲ Redis is new, or lost its data: nobody may take over for another 4.2 s',
    '✗ watch-3 on rack-7 is lost since 2026-11-20 22:45:00 UTC',
    '✗ watch-1 cannot reach the coordinating Redis: it refuses the login',
  ])
  expect(text).toMatch(/^ +watch-1 +silent +3\.4 s ago/m)
  expect(text).toMatch(/^cache {2}nobody at this moment$/m)
})

test('a cluster without members is told as that, without empty tables', () => {
  expect(told({ leader: null, members: [] })).toBe('shop: nobody is a member; healthz -d makes one\n')
})

test('a configuration that differs is marked, and the mark explained', () => {
  const text = told({ members: [member('watch-1'), member('watch-2', { isOtherConfig: true })] })
  expect(text).toMatch(/watch-1 .* 7b73d6b35606$/m)
  expect(text).toMatch(/watch-2 .* 7b73d6b35606 ≠$/m)
  expect(text).toContain('\n≠ another configuration than the one that this command has read\n')
  expect(told()).not.toContain('≠')
})

test('roles are shown where there are any, and a role that no node has is told', () => {
  const entry = (name: string, role: string) => ({ name, scope: 'node', owner: null, role }) as const
  const text = told({
    members: [member('watch-1', { roles: ['edge', 'db'] }), member('watch-2')],
    entries: [entry('proxy', 'edge'), entry('queue', 'mail')],
  })
  expect(text).toMatch(/^ +name .* roles .*\n.* edge db /m)
  expect(text).toMatch(/^proxy {2}every node with the role edge, of itself$/m)
  expect(text).toMatch(/^queue {2}nobody: no node has the role mail$/m)
  expect(told()).not.toContain('roles')
})

test('no line is wider than the terminal: what can be spared goes first, names and heartbeats last', () => {
  const lost = [{ name: 'watch-3', host: 'rack-7', at: since }]
  for (const width of [30, 40, 60, 80, 100]) {
    const lines = told({ lost }, width).split('\n')
    expect(lines.filter((line) => displayWidth(line) > width)).toEqual([])
  }
  expect(told({}, 70)).toMatch(/^ +name +state +heartbeat +shards +version +configuration$/m)
  expect(told({}, 60)).toMatch(/^ +name +state +heartbeat +shards +configuration$/m)
  expect(told({}, 40)).toMatch(/^ +name +state +heartbeat +shards$/m)
  expect(told({}, 34)).toMatch(/^ +name +state +heartbeat$/m)
})

test('Chinese stands in columns, too', async () => {
  const chinese = await loadLanguage('zh-CN', join(import.meta.dirname, '../../../locales'))
  const lines = told({}, 120, chinese).split('\n')
  expect(lines[0]).toBe('shop：2 个成员，watch-2 自 2026-11-20 22:45:00 UTC 起为领导节点')
  const columnsOf = (line = '') => displayWidth(line.slice(0, line.search(/在岗|状态/)))
  expect(new Set(lines.slice(2, 5).map(columnsOf)).size).toBe(1)
  expect(lines[3]).toContain('123 毫秒前')
})

test('colours change no width', () => {
  const painted = ringText(healthy, { width: 80, colour: true, language: english })
  expect(painted).toContain('\x1b[')
  const widths = (text: string) => text.split('\n').map(displayWidth)
  expect(widths(painted)).toEqual(widths(told({}, 80)))
})
