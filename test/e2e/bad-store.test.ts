import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makePlace, type Place } from '../support/program.ts'
import { startHttpReceiver } from '../support/servers/http-receiver.ts'
import { listen } from '../support/servers/listening.ts'
import { until } from '../support/servers/until.ts'
import { readStore } from '../support/store/file.ts'

const stories = join(import.meta.dirname, '../support/stories')

function placeWith({ file = 'state.db', http = 'off', url = 'http://127.0.0.1:9' }): Promise<Place> {
  return makePlace({
    'healthz.yaml': `
http: ${http}
store: { file: ${file} }
plugins: [${stories}]
stories: [{ story: light, every: 1s, confirmAfter: 100ms, with: { file: light } }]
channels: { hook: { use: webhook, url: "${url}" } }
alarms: { groupWait: 0s, clear: 1 }
`,
  })
}

test('a port that is in use is told, and nothing is started', async () => {
  await using server = createServer()
  const port = await listen(server, 0)
  await using place = await placeWith({ http: `{ listen: 127.0.0.1:${port} }` })
  expect(await place.run('-d')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: `healthz: cannot listen on 127.0.0.1:${port}: the port is in use; change http.listen, or set http: off\n`,
  })
  expect((await place.run('--once')).code).toBe(0)
})

test('a second daemon on one store does not start; --once beside the first looks, and leaves no mark', async () => {
  await using place = await placeWith({})
  const daemon = await place.daemon()
  expect(await place.run('-d')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: `healthz: the store state.db is in use by process ${daemon.pid}; stop it, or give this one a store of its own (store.file)\n`,
  })
  await daemon.says('round ended', { entry: 'light' })
  const once = await place.run('--once')
  expect(once).toMatchObject({
    code: 0,
    stderr: `healthz: process ${daemon.pid} keeps the store and does the curing; this run only looked\n`,
  })
  expect((await place.run('status')).code).toBe(0)
  daemon.signal('SIGTERM')
  expect(await daemon.ended()).toMatchObject({ code: 0, stderr: '' })
})

test.each(['-d', '--once'])('a store that cannot be made is told (%s)', async (mode) => {
  await using place = await placeWith({ file: 'light/state.db' })
  await place.write('light', 'green')
  expect(await place.run(mode)).toMatchObject({
    code: 2,
    stdout: '',
    stderr:
      'healthz: the store cannot be opened: light/state.db (unable to open database file); choose another store.file, or "store: memory"\n',
  })
})

test('a file that is no store is not read as one', async () => {
  await using place = await placeWith({})
  await place.write('state.db', 'this is no database, and never was one')
  expect(await place.run('status')).toMatchObject({
    code: 2,
    stdout: '',
    stderr:
      'healthz: the store cannot be opened: state.db (file is not a database); choose another store.file, or "store: memory"\n',
  })
  await place.write('state.db', '')
  expect((await place.run('resolve', 'list')).stderr).toBe(
    'healthz: there is no store state.db yet; start the daemon (-d) or run --once first\n',
  )
})

test('a damaged store is set aside and told of, and the daemon goes on', async () => {
  await using receiver = await startHttpReceiver()
  await using place = await placeWith({ url: receiver.url })
  await place.write('state.db', 'this is no database, and never was one')
  const daemon = await place.daemon()
  const { summary } = await daemon.says('raised', { problem: 'healthz/store' })
  expect(summary).toMatch(
    /^the store was damaged and begun anew; the damaged file was set aside as state\.db\.corrupt-/,
  )
  expect((await until('it is told', () => receiver.requests[0])).body).toContain(
    'set aside as state.db.corrupt-',
  )
  await daemon.says('round ended', { entry: 'light' })
  daemon.signal('SIGTERM')
  expect((await daemon.ended()).code).toBe(0)
  expect(readStore(place.dir).entries).toContain('light')

  const aside = (await place.files()).find((name) => name.includes('.corrupt-')) ?? ''
  expect(await place.read(aside)).toBe('this is no database, and never was one')
  expect((await place.run('--once')).stderr).toMatch(/^healthz: the store was damaged and begun anew; .*\n$/)
  await rm(join(place.dir, aside))
  expect((await place.run('--once')).stderr).toBe('')
})

test('a full disk is survived, at the start and after it', { timeout: 60_000 }, async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('mounting a small disk takes root')
  await using receiver = await startHttpReceiver()
  await using place = await placeWith({
    file: 'disk/state.db',
    http: '{ listen: 127.0.0.1:0 }',
    url: receiver.url,
  })
  await using disk = await mountSmallDisk(join(place.dir, 'disk'))
  await disk.fill()
  await place.write('light', 'green')
  const early = await place.run('--once')
  expect(early).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('is full; state and alarms are kept in memory'),
  })

  await disk.clear()
  const daemon = await place.daemon()
  await daemon.says('round ended', { entry: 'light' })
  await disk.fill()
  const isWritable = async () => /^healthz_store_writable 1$/m.test((await daemon.get('/metrics')).body)
  await until('the store is away', async () => !(await isWritable()))
  await place.write('light', 'red')
  expect((await until('it is told all the same', () => receiver.requests[0])).body).toContain(
    'the light is red',
  )
  await disk.clear()
  await until('the store is back', isWritable, { deadline: 20_000 })
  daemon.signal('SIGTERM')
  expect((await daemon.ended()).code).toBe(0)
  expect(readStore(place.dir, 'disk/state.db').outbox).toMatchObject([{ kind: 'raised', status: 'sent' }])
})

/** A file system of its own, which can be filled to the last byte. */
async function mountSmallDisk(path: string) {
  await mkdir(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path])
  return {
    fill: () => writeFile(join(path, 'ballast'), Buffer.alloc(2_000_000)).catch(() => {}),
    clear: () => rm(join(path, 'ballast')),
    [Symbol.asyncDispose]: async () => void execFileSync('umount', ['-l', path]),
  }
}
