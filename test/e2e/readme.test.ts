import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { profiles } from '../../src/core/cluster-timing.ts'
import { parseDuration } from '../../src/core/duration.ts'
import { describeWith } from '../support/needs.ts'
import { makePlace, type Place } from '../support/program.ts'
import { fromJson } from '../support/reports.ts'
import { startMariadb } from '../support/servers/mariadb.ts'
import { freePort } from '../support/servers/ports.ts'
import { startRedis } from '../support/servers/redis.ts'
import { sharedRabbitmq } from '../support/servers/shared-rabbitmq.ts'
import { until } from '../support/servers/until.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const readme = read('README.md')
const contributing = read('CONTRIBUTING.md')
const inDetail = read('docs/configuration.md')

const ownStory = section(readme, 'A story of your own')
const [story = '', itsTest = ''] = blocks(ownStory, 'ts')
const [entry = ''] = blocks(ownStory, 'yaml')

describe('the story of the README', { timeout: 120_000 }, () => {
  test('it compiles as those of CONTRIBUTING do, with every check on; a wrong one does not', async () => {
    const stories = [story, ...blocks(contributing, 'ts')]
    const files = {
      ...Object.fromEntries(stories.map((text, index) => [`story-${index}.ts`, text])),
      'wrong.ts': wrong,
    }
    await using place = await makePlace({
      ...files,
      'package.json': '{ "type": "module" }',
      'tsconfig.json': tsconfigFor(Object.keys(files)),
    })
    const printed = await tsc(place.dir)
    expect(printed.match(/^\S+\(\d+,\d+\): .*/gm)).toEqual([
      expect.stringMatching(/^wrong\.ts\(\d+,\d+\): error TS2\d+: Cannot find name 'maxAged'/),
    ])
    expect(stories.length).toBe(4)
  })

  test('the program tells it: nothing waits, a file is young, is too old, is gone, and the directory is gone', async () => {
    await using place = await placeOfTheReadme()
    const inbox = join(place.dir, 'inbox')
    expect(await place.run('--once')).toMatchObject({ code: 0, stderr: '' })

    await place.write('inbox/a.csv', 'a')
    expect(await place.run('--once')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 file, the oldest waits for'),
    })

    await age(join(inbox, 'a.csv'), 20)
    const { code, stdout } = await place.run('--once')
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /✗ CRITICAL {2}inbox\/waiting\n {4}a file has waited in \.\/inbox for 20 min.* \(limit 5 min\)\n/,
    )
    expect(stdout).toContain('to do  see whether the importer runs')

    await rm(join(inbox, 'a.csv'))
    expect(await place.run('--once')).toMatchObject({ code: 0 })

    await rm(inbox, { recursive: true })
    expect(await place.run('--once')).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('? UNKNOWN  inbox/waiting'),
    })
  })
})

test('the test of CONTRIBUTING passes', async () => {
  const [text = ''] = blocks(section(contributing, 'To test a story'), 'ts')
  await using place = await makePlace({ 'belt.test.ts': text })
  expect(await place.run('test', 'belt.test.ts')).toMatchObject({ code: 0, stderr: '' })
  await place.write('belt.test.ts', text.replace("['healed: jammed']", "['raised: jammed']"))
  expect(await place.run('test', 'belt.test.ts')).toMatchObject({ code: 1 })
})

test('what the README quotes of its test stands in the one that comes along', () => {
  const example = read('config/examples/story/test.ts').split('\n')
  const quoted = itsTest.trimEnd().split('\n')
  expect(quoted.length).toBeGreaterThan(3)
  expect(quoted.filter((line) => !example.includes(`  ${line}`))).toEqual([])
})

/** What each command of the README ends with, in a place where all is well and no daemon runs. */
const codes: Readonly<Record<string, number>> = {
  '--once': 0,
  '--once --no-resolve': 0,
  '--once --only cache,books': 0,
  '--once --format json': 0,
  '--once --alarm': 0,
  'config check': 0,
  'stories redis': 0,
  'new story orders': 0,
  test: 0,
  status: 0,
  'resolve list': 0,
  ring: 2, // there is no cluster here
  resign: 2,
  'probe /healthz': 1,
}
const daemonCommand = '-d -i 600'

test('each word of CONTRIBUTING is used in the file that it leads to', () => {
  const words = rowsOf(section(contributing, 'Words')).map(([word = '', , where = '']) => {
    const [, file = ''] = /\]\((\S+)\)/.exec(where) ?? []
    return [codesOf(word).join(), file] as const
  })
  expect(words.length).toBeGreaterThan(20)
  const isUsed = (word: string, file: string) =>
    existsSync(join(root, file)) && new RegExp(word, 'i').test(read(file))
  expect(words.filter(([word, file]) => !isUsed(word, file))).toEqual([])
})

describe('the command line', { timeout: 120_000 }, () => {
  const commands = [...section(readme, 'Command line').matchAll(/^healthz (.*?) *#/gm)].map(
    ([, line = '']) => line,
  )

  test('each command that the README names ends as it should', async () => {
    expect(commands.toSorted()).toEqual([daemonCommand, ...Object.keys(codes)].toSorted())
    await using place = await placeOfTheReadme(await twoEntries())
    for (const [command, code] of Object.entries(codes)) {
      expect({ command, ...(await place.run(...command.split(' '))) }).toMatchObject({ command, code })
    }
  })

  test('the daemon that it names runs until it is told to stop, and a probe reaches it', async () => {
    await using place = await placeOfTheReadme(await twoEntries())
    const daemon = place.start(...daemonCommand.split(' '))
    await daemon.says('started')
    expect(await place.run('probe')).toMatchObject({ code: 0, stdout: 'ok\n' })
    daemon.signal('SIGTERM')
    expect(await daemon.ended()).toMatchObject({ code: 0 })
  })

  test('a wrong configuration ends with 2, and says where it is wrong', async () => {
    await using place = await placeOfTheReadme(entry.replace('every: 1m', 'evry: 1m'))
    expect(await place.run('--once')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('healthz.yaml:4:5  unknown key "evry"; did you mean "every"?'),
    })
  })

  test('every option and command of the program stands in the README, and no other', async () => {
    await using place = await makePlace()
    const { stdout } = await place.run('--help')
    const options = [...stdout.matchAll(/^ {2}(?:(-\w), )?(--[a-z-]+)/gm)].map(([, ...names]) =>
      names.filter((name) => name !== undefined),
    )
    const named = wordsOf(readme, /(?<=[ `])-(?:-[a-z-]+|[a-z])\b/g)
    expect(options.filter((names) => !names.some((name) => named.includes(name)))).toEqual([
      ['-V', '--version'],
    ])
    const long = named.filter((name) => name.startsWith('--'))
    expect(long.filter((name) => !options.flat().includes(name))).toEqual([])
    const [, listed = ''] = stdout.split('Commands:')
    const known = [...listed.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name)
    expect(known.filter((name) => !new RegExp(`healthz ${name}\\b`).test(readme))).toEqual([])
  })

  test('every script that the documents name is one', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const named = wordsOf(readme + contributing, /(?<=npm run (?:-s )?)[a-z:]+/g)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
    expect(scripts).toMatchObject({ start: expect.anything(), test: expect.anything() })
  })
})

describe('the configuration', { timeout: 60_000 }, () => {
  test('each example is right', async () => {
    await using place = await placeOfTheReadme()
    Object.assign(place.env, {
      SMTP_URL: 'smtp://localhost',
      CHAT_URL: 'https://chat.example.com/hook',
      PUSH_TOKEN: 'a-token',
    })
    for (const name of ['redis', 'cluster']) await place.write(`secrets/${name}`, 'a-password\n')
    for (const example of [...blocks(readme, 'yaml'), ...blocks(inDetail, 'yaml')]) {
      await place.write(
        'healthz.yaml',
        example.includes('stories:') ? example : `stories: [{ story: host }]\n${example}`,
      )
      expect({ example, ...(await place.run('config', 'check')) }).toMatchObject({
        example,
        code: 0,
        stderr: '',
      })
    }
  })

  test('the keys of the README are those of the schema, with their defaults', async () => {
    const { properties } = await schema()
    expect(documented(section(readme, 'Configuration'))).toEqual(
      keysOf(properties).filter(
        ([key]) => !/^(stories|channels|consul|alarms\.routes)\./.test(key) && !isOfCluster(key),
      ),
    )
  })

  test('the keys of a cluster are those of the schema, with their defaults, and so are the profiles', async () => {
    const { properties } = await schema()
    const described = section(inDetail, 'The cluster')
    expect(documented(described).filter(([key]) => isOfCluster(key))).toEqual(
      keysOf(properties).filter(([key]) => isOfCluster(key)),
    )
    const rows = rowsOf(described).filter(([first = '']) => codesOf(first).some((code) => code in profiles))
    const told = rows.map(([name, ...times]) => [codesOf(name)[0], times.flatMap(codesOf).map(parseDuration)])
    const settings = ['beat', 'valid', 'lease', 'clockStep', 'settle', 'batch'] as const
    const held = Object.entries(profiles).map(([name, timing]) => [name, settings.map((key) => timing[key])])
    expect(told).toEqual(held)
  })

  test('the keys of Consul are those of the schema, with their defaults', async () => {
    const { properties } = await schema()
    expect(documented(section(inDetail, 'Consul'))).toEqual(
      keysOf(properties).filter(([key]) => key.startsWith('consul.')),
    )
  })

  test('the keys of an entry and of a route are those of the schema, with their defaults', async () => {
    const { properties } = await schema()
    expect(documented(section(inDetail, 'An entry'))).toEqual(
      keysOf(properties['stories']?.items?.properties ?? {}),
    )
    const routes = properties['alarms']?.properties?.['routes']?.items?.properties ?? {}
    expect(documented(section(inDetail, 'Routes')).map(([key]) => key)).toEqual(
      keysOf(routes).map(([key]) => key),
    )
  })
})

test('the paths and metrics of a daemon stand in the README, with their labels, and no others', async () => {
  await using place = await placeOfTheReadme(
    `${entry}http: { listen: '127.0.0.1:0' }\nchannels: { console: { use: console } }\nalarms: { groupWait: 0s }\n`,
  )
  await place.write('inbox/a.csv', 'a')
  await age(join(place.dir, 'inbox/a.csv'), 20)
  const daemon = await place.daemon()
  await daemon.says('raised')
  const body = await until('an alarm was sent', async () => {
    const { body } = await daemon.get('/metrics')
    return body.includes('healthz_alarms_total{channel="console",result="sent"} 1') && body
  })

  const told = rowsOf(section(readme, 'Metrics')).map(
    ([name, labels]) => [codesOf(name).join(), codesOf(labels)] as const,
  )
  const names = wordsOf(body, /(?<=^# TYPE )healthz_\w+/gm)
  expect(told.map(([name]) => name).toSorted()).toEqual(names.toSorted())
  for (const [name, labels] of told) {
    const [, seen] = new RegExp(`^${name}(?:_bucket)?(?:\\{(.*)\\})? `, 'm').exec(body) ?? []
    if (seen !== undefined)
      expect([name, wordsOf(seen, /\w+(?==")/g).filter((label) => label !== 'le')]).toEqual([name, labels])
  }

  const paths = rowsOf(section(readme, 'HTTP')).flatMap(([path]) => codesOf(path))
  const { body: notFound } = await daemon.get('/')
  expect(paths).toEqual(wordsOf(notFound, /\/\S+/g))
  for (const path of paths)
    expect((await daemon.get(path ?? '')).status, path).toBe(path === '/healthz' ? 503 : 200)
})

describeWith(['redis'], 'many nodes', () => {
  const described = section(readme, 'Many nodes')

  test('the cluster of the README is joined; its ring, paths, metrics and steps are as told, and no others', async () => {
    await using redis = await startRedis({ password: 'a-password' })
    const [cluster = ''] = blocks(described, 'yaml')
    const http = `127.0.0.1:${await freePort()}`
    const own = cluster
      .replace('redis-1:6379', `127.0.0.1:${redis.port}`)
      .replace('0.0.0.0:9180', http)
      .replace('  name: shop', `  name: shop\n  advertise: "${http}"`)
    await using place = await placeOfTheReadme(`${entry}${own}`)
    for (const name of ['redis', 'cluster']) await place.write(`secrets/${name}`, 'a-password\n')
    const daemon = await place.daemon()
    await daemon.says('this node leads')
    await daemon.says('round ended', { entry: 'cluster' })

    const { code, stdout } = await place.run('ring')
    expect(code).toBe(0)
    const [, shown = ''] = described.split('```\n$ healthz ring\n')
    const headings = (text: string) => text.split('\n').filter((line) => /^( +name|entry) /.test(line))
    const words = (text: string) => headings(text).map((line) => line.trim().split(/ {2,}/))
    expect(words(stdout)).toEqual(words(shown))

    const { body } = await daemon.get('/metrics')
    const named = (heading: string) =>
      rowsOf(section(readme, heading)).map(
        ([name, labels]) => [codesOf(name).join(), codesOf(labels)] as const,
      )
    const told = named('Many nodes').filter(([name]) => name.startsWith('healthz_'))
    const names = [...named('Metrics'), ...told].map(([name]) => name)
    expect(names.toSorted()).toEqual(wordsOf(body, /(?<=^# TYPE )healthz_\w+/gm).toSorted())
    const { body: notFound } = await daemon.get('/')
    const paths = [...rowsOf(section(readme, 'HTTP')), ...rowsOf(described)].flatMap(([path]) =>
      codesOf(path),
    )
    expect(paths.filter((path) => /^\/(?!-)/.test(path)).toSorted()).toEqual(
      wordsOf(notFound, /\/\S+/g).toSorted(),
    )
    expect((await daemon.get('/-/peer/probe')).status).toBe(405)

    const { stories } = JSON.parse((await daemon.get('/api/v1/stories')).body)
    const watch = stories.find(({ name }: { name: string }) => name === 'cluster')
    const steps = rowsOf(described)
      .flatMap(([name]) => codesOf(name))
      .filter((name) => /^[a-z-]+$/.test(name))
    expect(steps).toEqual(watch.steps.map(({ step }: { step: string }) => step))
    daemon.signal('SIGTERM')
    expect(await daemon.ended()).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('the built-in stories', { timeout: 60_000 }, () => {
  const rights = section(readme, 'Built-in stories')

  test('each has a line, which leads to its page', async () => {
    await using place = await makePlace()
    const { stdout } = await place.run('stories')
    const lines = [...rights.matchAll(/^\| \[`([\w-]+)`\]\((\S+)\)/gm)].map(([, name, page]) => [name, page])
    expect(lines.toSorted()).toEqual(
      wordsOf(stdout, /^[\w-]+/gm).map((name) => [name, `docs/stories/${name}.md`]),
    )
    expect(lines.filter(([, page = '']) => !existsSync(join(root, page)))).toEqual([])
  })

  describeWith(['redis'], 'Redis', () => {
    test('the ACL is enough to look, and its second line is understood', async () => {
      await using redis = await startRedis({ args: ['--save', '3600 1'] })
      const [look = [], cures = []] = wordsOf(rights, /^ACL .*/gm).map((line) => line.split(' '))
      await redis.cli('ACL', ...look.slice(1))
      const url = `redis://healthz:PASSWORD@127.0.0.1:${redis.port}/0`
      expect(await notOk(`{ story: redis, with: { url: '${url}', durable: true } }`)).toEqual([])
      expect(await redis.cli('ACL', ...cures.slice(1))).toBe('OK')
    })
  })

  describeWith(['mariadb'], 'MariaDB', () => {
    test('the grants are enough to look', async () => {
      await using mariadb = await startMariadb()
      await mariadb.query(
        'create database shop; create table shop.orders (id int auto_increment primary key)',
      )
      await mariadb.query(blocks(rights, 'sql').join(''))
      const url = `mysql://healthz:PASSWORD@127.0.0.1:${mariadb.port}`
      expect(await notOk(`{ story: mysql, with: { url: '${url}' }, steps: { table-size: on } }`)).toEqual([])
    })
  })

  describeWith(['rabbitmq'], 'RabbitMQ', () => {
    test('the tag and the permissions are enough to look', async () => {
      await using rabbitmq = await sharedRabbitmq()
      const { vhost, managementUrl } = rabbitmq
      const user = `readme-${vhost}`
      await using held = new AsyncDisposableStack()
      held.defer(async () => void (await rabbitmq.ctl('delete_user', user)))
      for (const line of wordsOf(rights, /(?<=^rabbitmqctl ).*/gm)) {
        const args = line.replaceAll("'", '').replace(' / ', ` ${vhost} `).replace('healthz', user).split(' ')
        await rabbitmq.ctl(...args)
      }
      await rabbitmq.api('PUT', `/api/queues/${vhost}/orders`, { durable: true })
      // As the story reads them: the list may come to know of them later than the answer about one.
      await until('the list of queues counts its messages', async () =>
        JSON.stringify(await rabbitmq.api('GET', `/api/queues/${vhost}`)).includes('"messages":0'),
      )
      const options = `nodes: ['${managementUrl}'], user: '${user}', password: PASSWORD, vhosts: ['${vhost}']`
      const expected = `expect: [{ vhost: '${vhost}', name: orders }]`
      expect(await notOk(`{ story: rabbitmq, with: { ${options}, ${expected} } }`)).toEqual([])
    })
  })
})

/** The README's story and entry as a person has them after reading, with an empty inbox. */
async function placeOfTheReadme(config = entry): Promise<Place> {
  const place = await makePlace({ 'stories/inbox/index.ts': story, 'healthz.yaml': config })
  await mkdir(join(place.dir, 'inbox'))
  return place
}

/** Two entries of it under the names that the README's commands use. */
async function twoEntries(): Promise<string> {
  const both = ['cache', 'books'].map(
    (name) => `  - { story: inbox, name: ${name}, with: { directory: inbox } }\n`,
  )
  return `plugins: [./stories]\nhttp: { listen: '127.0.0.1:${await freePort()}' }\nstories:\n${both.join('')}`
}

/** The steps of an entry that are neither ok nor left out. */
async function notOk(text: string): Promise<readonly string[]> {
  await using place = await makePlace({ 'healthz.yaml': `store: memory\nhttp: off\nstories: [${text}]\n` })
  const { stdout } = await place.run('--once', '--no-resolve', '--format', 'json')
  const verdicts = fromJson(stdout)
  expect(verdicts.length).toBeGreaterThan(8)
  return verdicts.filter((verdict) => !verdict.endsWith(' ok'))
}

async function age(file: string, minutes: number): Promise<void> {
  const then = Date.now() / 1000 - minutes * 60
  await utimes(file, then, then)
}

const wrong = story.replace('age <= maxAge', 'age <= maxAged')

/** As strict as the project's own; 'healthz' leads to its sources. */
function tsconfigFor(files: readonly string[]): string {
  const compilerOptions = {
    rootDir: '/',
    paths: { healthz: [join(root, 'src/index.ts')], 'healthz/testing': [join(root, 'src/testing.ts')] },
    typeRoots: [join(root, 'node_modules/@types')],
  }
  return JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, files, include: [] })
}

function tsc(dir: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(join(root, 'node_modules/.bin/tsc'), ['-p', dir], { cwd: dir }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    )
  })
}

interface Schema {
  readonly default?: unknown
  readonly properties?: Schemas
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
}

type Schemas = Readonly<Record<string, Schema>>

async function schema(): Promise<{ readonly properties: Schemas }> {
  await using place = await makePlace()
  return JSON.parse((await place.run('config', 'schema')).stdout)
}

/** Each key of a schema with its default, in order; a mapping by the keys in it. */
function keysOf(properties: Schemas, before = ''): readonly (readonly [string, unknown])[] {
  return Object.entries(properties).flatMap(([key, property]) => {
    const inner = [property, ...(property.anyOf ?? [])].flatMap(({ properties }) =>
      Object.entries(properties ?? {}),
    )
    if (inner.length > 0) return keysOf(Object.fromEntries(inner), `${before}${key}.`)
    return [[`${before}${key}`, property.default] as const]
  })
}

/** The keys that a table names, with their defaults; a line may name several. */
function documented(text: string): readonly (readonly [string, unknown])[] {
  return rowsOf(text).flatMap(([keys = '', defaults = '']) => {
    const values = codesOf(defaults)
    return codesOf(keys).map((key, index) => [key, parse(values[index] ?? '') ?? undefined] as const)
  })
}

/** The cells of the tables in a text, without headings. */
function rowsOf(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n').filter((line) => line.startsWith('| `'))
  return lines.map((line) => line.slice(1, -1).split(' | '))
}

function isOfCluster(key: string): boolean {
  return key === 'roles' || key.startsWith('cluster.')
}

/** What stands in backticks. */
function codesOf(cell = ''): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

/** From a heading to the next one of its level. */
function section(text: string, heading: string): string {
  const [, found] = text.split(`\n## ${heading}\n`)
  if (found === undefined) throw new Error(`there is no heading "${heading}"`)
  return found.split('\n## ')[0] ?? ''
}

function blocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, block = '']) => block,
  )
}

/** Each match once, in order. */
function wordsOf(text: string, pattern: RegExp): readonly string[] {
  return [...new Set(text.match(pattern) ?? [])]
}
