import fc from 'fast-check'
import { expect, test } from 'vitest'
import command from '../../../../stories/command/index.ts'
import { parsePerfdata, wordsOf } from '../../../../stories/command/perfdata.ts'
import { parseRange } from '../../../../stories/command/range.ts'

test.each([
  // As plugins of monitoring-plugins 2.3.3 print it.
  [
    "PROCS CRITICAL: 0 processes with command name 'nosuch' | procs=0;;1:5;0;\n",
    [{ label: 'procs', value: 0, unit: '' }],
  ],
  [
    'DISK OK - free space: / 78121MiB (83% inode=97%);| /=15876489216B;243497277849;257024904396;0;270552530944\n',
    [{ label: '/', value: 15_876_489_216, unit: 'B' }],
  ],
  [
    'LOAD OK - total load average: 1.05, 0.75, 0.48|load1=1.050;100.000;200.000;0; load5=0.750;100.000;200.000;0; load15=0.480;100.000;200.000;0; \n',
    [
      { label: 'load1', value: 1.05, unit: '' },
      { label: 'load5', value: 0.75, unit: '' },
      { label: 'load15', value: 0.48, unit: '' },
    ],
  ],
  ['USERS OK - 0 users currently logged in |users=0;5;10;0\n', [{ label: 'users', value: 0, unit: '' }]],
  // As the guidelines have it.
  [
    "DISK OK | 'free space'=3326MB;5948;5958;0;5968 'it''s'=7%\n/ 15272 MB (77%)\n/boot 68 MB | /boot=68MB;88;93;0;98\n/home=-1.5e3s\nbroken=U",
    [
      { label: 'free space', value: 3326, unit: 'MB' },
      { label: "it's", value: 7, unit: '%' },
      { label: '/boot', value: 68, unit: 'MB' },
      { label: '/home', value: -1500, unit: 's' },
      { label: 'broken', value: null, unit: '' },
    ],
  ],
  ['no figures', []],
  ['UNKNOWN\n', []],
])('the figures of %j are read', (output, data) => {
  expect(parsePerfdata(output)).toEqual(data)
})

test.each(['ok | what', "ok | 'open=1", 'ok | a=', 'ok | a=1;2;3;4;5;6;7', 'ok | a=1 b'])(
  '%j has something that is no figure',
  (output) => {
    expect(parsePerfdata(output)).toBeNull()
  },
)

test('any output is read or refused, and never takes long', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500 }), (output) => {
      const data = parsePerfdata(`| ${output}`)
      return data === null || Array.isArray(data)
    }),
  )
  const start = performance.now()
  parsePerfdata(`| ${"'".repeat(60_000)}`)
  parsePerfdata(`| ${'a'.repeat(60_000)}`)
  expect(performance.now() - start).toBeLessThan(1000)
})

test('people read what stands before the figures, without colours', () => {
  expect(wordsOf('\u001b[31mDISK\u001b[0m LOW | a=1\nroot 1\u0007\nhome 2 | b=2\nc=3\n')).toEqual({
    line: 'DISK LOW',
    more: 'root 1 \nhome 2',
  })
})

test.each([
  ['10', 0, 10, false],
  ['10:', 10, Number.POSITIVE_INFINITY, false],
  ['~:10', Number.NEGATIVE_INFINITY, 10, false],
  ['10:20', 10, 20, false],
  ['@10:20', 10, 20, true],
  ['-5:1.5', -5, 1.5, false],
  [':7', 0, 7, false],
])('the range %s is from %d to %d', (text, from, to, isInverted) => {
  expect(parseRange(text)).toEqual({ text, from, to, isInverted })
})

test.each(['', '@', 'ten', '20:10', '1:2:3', '> 5', '~'])('"%s" is no range', (text) => {
  expect(parseRange(text)).toBeNull()
})

test.each([
  [{}],
  [{ command: [] }],
  [{ command: 'ls -l' }],
  [{ command: ['ls'], perfdata: [{ label: 'a' }] }],
  [{ command: ['ls'], perfdata: [{ label: 'a', warn: 'much' }] }],
  [{ command: ['ls'], output: 'json', perfdata: [{ label: 'a', warn: '1' }] }],
  [{ command: ['ls'], env: { 'no name': 'x' } }],
  [{ command: ['ls'], exits: { bad: 'ok' } }],
  [{ command: ['ls'], cwd: 'here' }],
])('%o is refused in the configuration', (options) => {
  expect(command.options.safeParse(options).success).toBe(false)
})
