import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWith } from '../support/needs.ts'
import { startKafka } from '../support/servers/kafka.ts'
import { startSmtp } from '../support/servers/smtp.ts'
import { makeTempDir, type TempDir } from '../support/servers/temp-dir.ts'

const root = join(import.meta.dirname, '../..')

/** What a checkout has beside the sources, and a package must not need. */
const notSources = ['node_modules', 'dist', 'data', 'coverage', '.git', '.vitest']

const story = `import { defineStory, say, seconds, z } from 'healthz'

/** The order service's own books: nothing waits too long. */
export default defineStory({
  title: 'Orders',
  options: z.strictObject({ waited: z.number(), maxAge: z.number().default(300) }),
  steps: {
    backlog: {
      title: 'no order waits longer than the limit',
      check({ options, note, problem }) {
        note(say\`oldest \${seconds(options.waited)}\`)
        if (options.waited <= options.maxAge) return
        problem({ severity: 'critical', summary: say\`waited \${seconds(options.waited)}\`, advice: 'start a worker' })
      },
    },
  },
})
`

const kit = `import { type Teller, teller, testClock } from 'healthz/testing'
import story from './stories/orders.ts'

const clock = testClock()
const watch: Teller = teller(story, { with: { waited: 400 }, steps: {}, clock })
const summary: string = (await watch.tell('backlog')).problem('backlog').summary
clock.advance('1h')
const { healed, alarms } = await watch.round({ approve: ['backlog'] })
console.log(summary, healed.length, alarms.map(({ kind }) => kind))
`

describe('the package, installed elsewhere', { timeout: 60_000 }, () => {
  let temp: TempDir
  let project: string
  const inPackage = (path: string) => join(project, 'node_modules/healthz', path)
  const healthz = (...args: readonly string[]) => run(project, 'node_modules/.bin/healthz', ...args)

  beforeAll(async () => {
    temp = await makeTempDir()
    project = join(temp.path, 'project')
    const tarball = await pack(temp.path)
    await mkdir(join(project, 'stories'), { recursive: true })
    await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
    await writeFile(join(project, 'stories/orders.ts'), story)
    await run(project, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', tarball)
  }, 180_000)
  afterAll(() => temp[Symbol.asyncDispose]())

  test('it brings the program, the texts, the licences and no sources', async () => {
    const files = await readdir(inPackage(''), { recursive: true })
    expect(expected.filter((file) => !files.includes(file))).toEqual([])
    expect(files.filter((file) => /^(src|test|build|stories|channels)\b|\.test\./.test(file))).toEqual([])
  })

  test('it needs nothing but zod beside it', async () => {
    const installed = await readdir(join(project, 'node_modules'))
    expect(installed.filter((name) => !name.startsWith('.')).sort()).toEqual(['healthz', 'zod'])
  })

  test('it names the licences of what it bundles', async () => {
    const text = await readFile(inPackage('dist/THIRD-PARTY-LICENSES.txt'), 'utf8')
    for (const name of ['ioredis', 'mysql2', 'nodemailer', 'zod', 'commander']) {
      expect(text).toMatch(new RegExp(`^${name} [\\d.]+ \\(MIT`, 'm'))
    }
  })

  test('npx says its version', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    expect(await run(project, 'npx', 'healthz', '--version')).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    })
  })

  test('it tells a story of somebody else, written in TypeScript', async () => {
    const entry = (waited: number) =>
      `plugins: [./stories]\nstories: [{ story: orders, confirm: 1, with: { waited: ${waited} } }]`
    expect(await healthz('--once', '-c', await configure(entry(10)))).toMatchObject({ code: 0, stderr: '' })
    expect(await healthz('--once', '-c', await configure(entry(400)))).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('waited 6 min 40 s'),
    })
  })

  test('a new story and its test work as they are written, by its own runner and by that of Node', async () => {
    await configure('plugins: [./stories]\nstories: [{ story: host }]')
    expect(await healthz('new', 'story', 'parcels')).toMatchObject({ code: 0, stderr: '' })
    expect(await healthz('test')).toMatchObject({ code: 0, stdout: expect.stringContaining('pass 1') })
    const ended = await run(project, 'node', '--test', 'stories/parcels/index.test.ts')
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('pass 1') })
  })

  test('its own stories and channels work, with the libraries bundled into them', async () => {
    await using smtp = await startSmtp()
    const config = await configure(`
stories:
  - { story: redis, confirm: 1, with: { url: 'redis://127.0.0.1:1' } }
  - { story: mysql, confirm: 1, with: { url: 'mysql://root@127.0.0.1:1' } }
  - { story: rabbitmq, confirm: 1, with: { nodes: ['http://127.0.0.1:1'] } }
  - { story: supervisor, confirm: 1, with: { url: 'http://127.0.0.1:1/RPC2' } }
  - { story: kafka, confirm: 1, with: { brokers: ['127.0.0.1:1'] } }
channels:
  ops: { use: mail, smtp: '${smtp.url}', to: ops@example.com }`)
    const { code, stdout } = await healthz('--once', '--alarm', '-c', config)
    expect(code).toBe(1)
    expect(stdout.match(/nothing listens on 127\.0\.0\.1:1/g)).toHaveLength(5)
    expect(smtp.mails.map((mail) => mail.text).join('\n')).toContain('nothing listens on 127.0.0.1:1')
  })

  describeWith(['java'], 'beside a Kafka', () => {
    test('it logs in to it, with the part of the client that is bundled', async () => {
      await using kafka = await startKafka({ users: { mon: 'mon-pw' } })
      const [broker] = kafka.brokers
      await kafka.admin.scramUser('scram', 'scram-pw')
      await kafka.admin.createTopic('orders')
      await kafka.admin.produce('orders', 3)
      await kafka.admin.commit('billing', 'orders', 1)
      const config = (port: number | undefined, login: string) =>
        configure(
          `stories: [{ story: kafka, with: { brokers: ['127.0.0.1:${port}'], groups: [billing], ${login} } }]`,
        )
      const told = await healthz('--once', '--format', 'json', '-c', await config(broker?.port, ''))
      expect(told.stdout).toContain('billing is 2 messages behind in orders')
      const login = 'user: scram, password: scram-pw, mechanism: SCRAM-SHA-256'
      const poor = await healthz('--once', '-c', await config(broker?.saslPort, login))
      expect(poor.stdout).toContain('User:scram may not see the topics')
    })
  })

  test('every story and channel of it can be loaded', async () => {
    for (const folder of ['stories', 'channels']) {
      for (const file of await readdir(inPackage(`dist/${folder}`))) {
        const plugin = await import(inPackage(`dist/${folder}/${file}`))
        expect(plugin.default, file).toMatchObject({ options: expect.anything() })
      }
    }
  })

  test('its types compile, with every check on', async () => {
    await mkdir(join(project, 'node_modules/@types'), { recursive: true })
    for (const name of ['@types/node', 'undici-types']) {
      await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name))
    }
    await writeFile(join(project, 'wrong.ts'), story.replace('options.waited <=', 'options.wated <='))
    const flags = [
      '--noEmit',
      '--strict',
      '--allowImportingTsExtensions',
      '--target',
      'es2024',
      '--module',
      'nodenext',
      '--types',
      'node',
    ]
    const tsc = (file: string) => run(project, join(root, 'node_modules/.bin/tsc'), ...flags, file)
    expect(await tsc('stories/orders.ts')).toEqual({ code: 0, stdout: '', stderr: '' })
    await writeFile(join(project, 'parcels.ts'), kit)
    expect(await tsc('parcels.ts')).toEqual({ code: 0, stdout: '', stderr: '' })
    await writeFile(join(project, 'wrong-kit.ts'), kit.replace('.summary', '.sumary'))
    expect((await tsc('wrong-kit.ts')).stdout).toContain("Property 'sumary' does not exist")
    expect((await tsc('wrong.ts')).stdout).toContain("Property 'wated' does not exist")
  })

  /** A configuration that leaves nothing behind and listens nowhere. */
  async function configure(text: string): Promise<string> {
    await writeFile(join(project, 'healthz.yaml'), `store: memory\n${text.trim()}\n`)
    return 'healthz.yaml'
  }
})

const expected = [
  'LICENSE',
  'README.md',
  'config/healthz.schema.json',
  'config/healthz.yaml',
  'dist/THIRD-PARTY-LICENSES.txt',
  'dist/channels/mail.js',
  'dist/healthz.js',
  'dist/index.js',
  'config/examples/story/index.ts',
  'dist/stories/redis.js',
  'dist/testing.js',
  'dist/types/index.d.ts',
  'dist/types/testing.d.ts',
  'docs/stories/README.md',
  'locales/zh-CN.json',
]

/** Packs the sources as they are, built on the way, without touching the checkout's own `dist`. */
async function pack(into: string): Promise<string> {
  const sources = join(into, 'sources')
  await cp(root, sources, {
    recursive: true,
    filter: (path) => !notSources.includes(relative(root, path)),
  })
  await symlink(join(root, 'node_modules'), join(sources, 'node_modules'))
  const { code, stdout, stderr } = await run(sources, 'npm', 'pack', '--pack-destination', into)
  if (code !== 0) throw new Error(`npm pack failed:\n${stderr}${stdout}`)
  return join(into, stdout.trim().split('\n').at(-1) ?? '')
}

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, with the Node that runs the tests first on its path. */
function run(cwd: string, program: string, ...args: readonly string[]): Promise<Ended> {
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    npm_config_loglevel: 'error',
  }
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : Number(error !== null)
      resolve({ code, stdout, stderr })
    })
  })
}
