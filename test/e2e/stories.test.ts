import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { makePlace, type Place } from '../support/program.ts'

const root = join(import.meta.dirname, '../..')

describe('healthz stories', { timeout: 60_000 }, () => {
  test('lists each kind with its steps, when they are asked, and what they cure', async () => {
    await using place = await makePlace()
    const { code, stdout } = await place.run('stories')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^redis +Redis \(\d+ steps\)\n {4}on +connect, memory, /m)
    expect(stdout).toMatch(/^ {4}cures itself +persistence$/m)
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
  })

  test('explains one that the configuration brings along, in the language of the reader', async () => {
    await using place = await makePlace({
      'healthz.yaml': 'plugins: [./stories]\nstories: [{ story: host }]\n',
    })
    await place.run('new', 'story', 'orders')
    const { stdout } = await place.run('stories', 'orders')
    expect(stdout).toContain(
      'orders: Orders (every node tells it about itself)\n\nexample:\n  - story: orders\n',
    )
    expect(stdout).toContain('  maxAge     duration, default 10m\n')
    place.env['LANG'] = 'zh_CN.UTF-8'
    const inChinese = await place.run('stories', 'orders')
    expect(inChinese.stdout).toMatch(/每个节点|各节点/)
  })

  test('a name that is none is answered with the nearest', async () => {
    await using place = await makePlace()
    expect(await place.run('stories', 'redsi')).toMatchObject({
      code: 2,
      stderr: 'healthz: there is no story "redsi"; did you mean "redis"?\n',
    })
  })
})

describe('healthz new story', { timeout: 60_000 }, () => {
  test('writes a story that is told, and a test that passes, and fails once the story is wrong', async () => {
    await using place = await makePlace()
    const { code, stdout, stderr } = await place.run('new', 'story', 'order-queue')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [said, lines = ''] = stdout.split('told by:\n\n')
    expect(said).toBe(
      'wrote stories/order-queue/index.ts\nwrote stories/order-queue/index.test.ts\n\n' +
        'its test: healthz test stories/order-queue\nin the configuration, it is ',
    )
    expect(await place.run('test', 'stories/order-queue')).toMatchObject({ code: 0, stderr: '' })
    expect(await place.run('test')).toMatchObject({ code: 0, stdout: expect.stringContaining('pass 1') })

    await place.write('healthz.yaml', `store: memory\nhttp: off\n${lines.replace(/^ {2}/gm, '')}`)
    expect(await place.run('config', 'check')).toMatchObject({ code: 0 })
    expect(await place.run('--once')).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('? UNKNOWN  order-queue/waiting'),
    })
    await place.write('order-queue/a.csv', 'a')
    expect(await place.run('--once')).toMatchObject({ code: 0 })

    const file = 'stories/order-queue/index.ts'
    await place.write(file, (await place.read(file)).replace('age <= maxAge', 'age >= maxAge'))
    const failed = await place.run('test')
    expect(failed.code).toBe(1)
    expect(failed.stdout).toContain('waiting should be ok:')
  })

  test('what it writes compiles, with every check on', async () => {
    await using place = await makePlace({ 'package.json': '{ "type": "module" }' })
    await place.run('new', 'story', 'orders')
    const files = ['stories/orders/index.ts', 'stories/orders/index.test.ts']
    const compilerOptions = {
      rootDir: '/',
      paths: { healthz: [join(root, 'src/index.ts')], 'healthz/testing': [join(root, 'src/testing.ts')] },
      typeRoots: [join(root, 'node_modules/@types')],
    }
    const tsconfig = { extends: join(root, 'tsconfig.json'), compilerOptions, files, include: [] }
    await place.write('tsconfig.json', JSON.stringify(tsconfig))
    const tsc = promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', place.dir], {
      cwd: place.dir,
    })
    expect(await tsc.catch(({ stdout }) => ({ stdout }))).toMatchObject({ stdout: '' })
  })

  test('it goes where the configuration has its plugins, and writes over nothing', async () => {
    await using place = await makePlace({
      'etc/healthz.yaml': 'plugins: ["${KIND}/stories"]\nstories: [{ story: host, evry: 1m }]\n',
      'etc/own/stories/orders/index.test.ts': 'mine',
      'etc/own/stories/books.ts': 'mine',
    })
    place.env['KIND'] = 'own'
    const create = (name: string) => place.run('-c', 'etc/healthz.yaml', 'new', 'story', name)
    const { code, stdout } = await create('cash')
    expect(code).toBe(0)
    expect(stdout).toContain('wrote etc/own/stories/cash/index.ts\n')
    expect(stdout).not.toContain('plugins:')
    const cash = await place.read('etc/own/stories/cash/index.ts')

    await place.write('etc/own/stories/cash/index.ts', 'mine')
    const taken = (name: string) => ({
      code: 2,
      stdout: '',
      stderr: `healthz: there is a story "${name}" in etc/own/stories; take another name\n`,
    })
    expect(await create('cash')).toMatchObject(taken('cash'))
    expect(await create('books')).toMatchObject(taken('books'))
    expect(await create('orders')).toMatchObject({
      code: 2,
      stderr: 'healthz: cannot write etc/own/stories/orders: EEXIST\n',
    })
    expect(await place.read('etc/own/stories/cash/index.ts')).toBe('mine')
    expect(await place.read('etc/own/stories/orders/index.test.ts')).toBe('mine')
    expect(cash).toContain("title: 'Cash'")

    delete place.env['KIND']
    expect(await create('other')).toMatchObject({ code: 2, stderr: expect.stringContaining('KIND') })
  })

  test.each([
    ['Orders', 'cannot be the name of a story'],
    ['../orders', 'cannot be the name of a story'],
    ['1a', 'cannot be the name of a story'],
    ['a-', 'cannot be the name of a story'],
    ['channels', 'cannot be the name of a story'],
    ['a'.repeat(64), 'cannot be the name of a story'],
    ['redis', 'there is a built-in story "redis"'],
  ])('%s is refused in one line, and nothing is written', async (name, words) => {
    await using place = await makePlace()
    const { code, stdout, stderr } = await place.run('new', 'story', name)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^healthz: .*\n$/)
    expect(stderr).toContain(words)
    expect(await place.files()).toEqual([])
  })

  test('a folder that cannot be written is told', async () => {
    await using place = await makePlace({ stories: 'a file' })
    expect(await place.run('new', 'story', 'orders')).toMatchObject({
      code: 2,
      stderr: 'healthz: cannot write stories/orders: ENOTDIR\n',
    })
  })

  test('there is nothing to test where there is no test', async () => {
    await using place = await makePlace({ 'stories/readme.md': '' })
    for (const paths of [[], ['nowhere'], ['stories']]) {
      expect(await place.run('test', ...paths)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^healthz: there is no test in \S+\n$/),
      })
    }
  })
})

test('the README shows the story that is written', async () => {
  await using place: Place = await makePlace()
  await place.run('new', 'story', 'inbox')
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(
    `\`\`\`ts\n${await place.read('stories/inbox/index.ts')}\`\`\``,
  )
})
