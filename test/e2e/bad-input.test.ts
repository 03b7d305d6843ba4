import { describe, expect, test } from 'vitest'
import { makePlace } from '../support/program.ts'

const tail = 'store: memory\nhttp: off\nstories: [{ story: process }]\n'

/** Nine lists of nine, eight times over: 43 million words. */
const bomb = [...'abcdefgh'].reduce((lines, name, index) => {
  const inner = index === 0 ? 'x' : `*${'abcdefgh'[index - 1]}`
  return `${lines}${name}: &${name} [${Array(9).fill(inner).join(', ')}]\n`
}, '')

/** What is in the file, and what a person reads of it. */
const configs: readonly (readonly [what: string, config: string, faults: readonly string[]])[] = [
  ['is empty', '', ['healthz.yaml:1:1  the file is empty; it needs at least: stories: [{ story: host }]']],
  [
    'has tabs',
    'http: off\nstories:\n\t- story: process\n',
    ['healthz.yaml:3:1  a tab where YAML wants spaces; indent by two spaces'],
  ],
  [
    'has unknown keys',
    'storys: []\nstories: [{ story: process, evry: 3s }]\n',
    [
      'healthz.yaml:1:1   unknown key "storys"; did you mean "stories"?',
      'healthz.yaml:2:29  unknown key "evry"; did you mean "every"?',
    ],
  ],
  [
    'has values of the wrong type',
    'interval: 5\nstories: [{ story: process, every: yes, tags: a }]\n',
    [
      'healthz.yaml:1:11  "interval" must be a duration such as 30s or 10m, not a number; add a unit: ms, s, m, h or d',
      'healthz.yaml:2:36  "every": not a duration; write a number with its unit: 500ms, 30s, 10m, 1h30m, 2d',
      'healthz.yaml:2:47  "tags" must be a list, not a text; put it in brackets: [ ]',
    ],
  ],
  [
    'names an undefined variable',
    `platform: "\${SHOP}"\n${tail}`,
    [
      `healthz.yaml:1:12  the environment variable SHOP is not set; set it, or give a default: \${SHOP:-default}`,
    ],
  ],
  [
    'names a secret file that is missing',
    'stories: [{ story: redis, with: { url: "redis://h", password: "${file:/run/secrets/none}" } }]\n',
    ['healthz.yaml:1:64  the file /run/secrets/none is not there'],
  ],
  [
    'has 5 MB',
    `${tail}${'# more and more\n'.repeat(330_000)}`,
    ['healthz.yaml  the configuration file is larger than 1 MiB'],
  ],
  [
    'has an alias bomb',
    `${bomb}stories: [{ story: process, tags: *h }]\n`,
    ['healthz.yaml:1:1  aliases of aliases grow out of all bounds'],
  ],
  [
    'names an unknown story and an unknown channel',
    'stories: [{ story: redos }]\nchannels: { ops: { use: mial } }\n',
    [
      'healthz.yaml:1:20  there is no story of the kind "redos"; did you mean "redis"?',
      'healthz.yaml:2:25  there is no channel of the kind "mial"; did you mean "mail"?',
    ],
  ],
]

describe('a configuration that', () => {
  test.each(configs)(
    '%s is told with its place and what to do, and nothing is started',
    async (_, config, faults) => {
      await using place = await makePlace({ 'healthz.yaml': config })
      const number = faults.length === 1 ? '1 fault' : `${faults.length} faults`
      const told = { code: 2, stdout: '', stderr: `${faults.join('\n')}\n${number} in the configuration\n` }
      expect(await Promise.all([place.run('--once'), place.run('-d')])).toMatchObject([told, told])
      expect(await place.files()).toEqual(['healthz.yaml'])
    },
  )

  test('is not there is told by its name', async () => {
    await using place = await makePlace()
    expect(await place.run('--once', '-c', 'shop.yaml')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'shop.yaml  the configuration file is not there\n1 fault in the configuration\n',
    })
  })
})

const words: readonly (readonly [args: readonly string[], stderr: string])[] = [
  [['--onec'], 'healthz: unknown option "--onec"; did you mean "--once"?'],
  [['statsu'], 'healthz: there is no command "statsu"; did you mean "status"?'],
  [['config', 'chek'], 'healthz: there is no command "chek"; did you mean "check"?'],
  [['stories', 'redos'], 'healthz: there is no story "redos"; did you mean "redis"?'],
  [['--once', '--only', 'cahce'], 'healthz: there is no entry "cahce"; did you mean "cache"?'],
  [
    ['--once', '--only', 'nothing-like-it'],
    'healthz: there is no entry "nothing-like-it"; there is: cache, own',
  ],
  [['--once', '--tag', 'dtaa'], 'healthz: no entry has the tag "dtaa"; there is: data'],
  [
    ['--once', '--format', 'xml'],
    'healthz: the option --format <format> cannot be "xml"; it is one of: text, json, junit, tap',
  ],
  [
    ['-d', '-i', '0'],
    'healthz: the option -i, --interval <seconds> cannot be "0": give whole seconds from 1 to 86400',
  ],
  [['-d', '--once'], 'healthz: --once and -d exclude each other'],
  [['resolve', 'approve'], 'healthz: the argument <problem> is missing'],
  [['status', 'now'], 'healthz: too many arguments for the command "status"'],
]

describe('a command line', () => {
  test.each(words)('%j is answered by one line', async (args, stderr) => {
    await using place = await makePlace({
      'healthz.yaml': `
http: off
stories: [{ story: process, name: cache, tags: [data] }, { story: process, name: own }]
`,
    })
    expect(await place.run(...args)).toMatchObject({ code: 2, stdout: '', stderr: `${stderr}\n` })
    expect(await place.files()).toEqual(['healthz.yaml'])
  })

  test.each([
    [[], 'healthz: say what to do: --once, -d or a command\n'],
    [['config'], 'healthz: say what to do: check, show, schema\n'],
  ] as const)('%j that says too little gets the help and a line', async (args, line) => {
    await using place = await makePlace()
    const { code, stdout, stderr } = await place.run(...args)
    expect(stderr).toMatch(/^Usage: healthz /)
    expect(stderr.endsWith(line)).toBe(true)
    expect([code, stdout]).toEqual([2, ''])
  })
})
