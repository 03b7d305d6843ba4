import { execFile } from 'node:child_process'
import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import redisStory from '../../../stories/redis/index.ts'
import { describeWith } from '../../support/needs.ts'
import { loginOfGuide } from '../../support/redis-rights.ts'
import { onFreePorts } from '../../support/servers/ports.ts'
import { startServer } from '../../support/servers/process.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

describeWith(['redis'], 'redis: persistence', () => {
  test('a snapshot that fails stops all writes, and saving again mends it', async () => {
    await using redis = await startRedis({ args: ['--save', '3600 1'] })
    const watch = teller(redisStory, { url: redis.url, ...(await loginOfGuide(redis)) })
    expect((await watch.tell('persistence')).step('persistence').outcome).toBe('ok')

    const unblock = await failSnapshots(redis)
    await expect(redis.cli('set', 'x', 'y')).rejects.toThrow('MISCONF')
    const told = await watch.tell()
    expect(told.step('connect').outcome).toBe('ok')
    expect(told.step('persistence').findings).toMatchObject([{ key: 'snapshot', severity: 'critical' }])
    expect(told.summaries('persistence')[0]).toBe(
      'the last snapshot could not be saved, and no writes are taken until one is (1 change unsaved)',
    )
    expect(told.cures.get('persistence/snapshot')?.consent).toBe('auto')
    await expect(told.cure('persistence/snapshot')).rejects.toMatchObject({
      name: 'DidNotHelp',
      reason: { template: expect.stringContaining('failed again') },
    })

    await unblock()
    await (await watch.tell('persistence')).cure('persistence/snapshot')
    expect((await watch.tell('persistence')).step('persistence').outcome).toBe('ok')
    expect(await redis.cli('set', 'x', 'y')).toBe('OK')
  })

  test('the watchman does not take its own PINGs for refused writes', async () => {
    await using redis = await startRedis({ args: ['--save', '3600 1'] })
    await failSnapshots(redis)
    const watch = teller(redisStory, { url: redis.url })
    await watch.tell()
    expect((await watch.tell()).step('writes-refused').outcome).toBe('ok')
    await expect(redis.cli('set', 'x', 'y')).rejects.toThrow('MISCONF')
    const told = await watch.tell()
    expect(told.summaries('writes-refused')[0]).toMatch(
      /^1 command refused in .+: it cannot save to its disk/,
    )
  })

  test('a snapshot that fails where no writes depend on it is a warning', async () => {
    await using redis = await startRedis()
    await failSnapshots(redis)
    const told = await teller(redisStory, { url: redis.url }).tell('persistence')
    expect(told.step('persistence').findings).toMatchObject([{ key: 'snapshot', severity: 'warning' }])
    expect(await redis.cli('set', 'x', 'y')).toBe('OK')
  })

  test('a cure without the right to save names the right', async () => {
    await using redis = await startRedis()
    await failSnapshots(redis)
    await redis.cli('acl', 'setuser', 'watcher', 'on', '>hunter2SECRET', '-@all', '+ping', '+info')
    const login = { user: 'watcher', password: 'hunter2SECRET' }
    const told = await teller(redisStory, { url: redis.url, ...login }).tell('persistence')
    await expect(told.cure('persistence/snapshot')).rejects.toMatchObject({
      name: 'DidNotHelp',
      reason: { values: [expect.anything(), { values: ['watcher', '+bgsave'] }] },
    })
  })

  test('an old snapshot is a problem where it should have been saved and something changed', async () => {
    await using redis = await startRedis({ args: ['--save', '3600 1000'] })
    const watch = teller(redisStory, { url: redis.url }, { persistence: { rdbMaxAge: '0s' } })
    expect((await watch.tell('persistence')).step('persistence').outcome).toBe('ok')
    await redis.cli('set', 'a', 1)
    const told = await watch.tell('persistence')
    expect(told.step('persistence').findings).toMatchObject([{ key: 'age', severity: 'warning' }])
    const patient = teller(redisStory, { url: redis.url })
    expect((await patient.tell('persistence')).step('persistence').outcome).toBe('ok')
    await redis.cli('acl', 'setuser', 'managed', 'on', '>hunter2SECRET', '-@all', '+ping', '+info')
    const login = { url: redis.url, user: 'managed', password: 'hunter2SECRET' }
    const managed = await teller(redisStory, login, { persistence: { rdbMaxAge: '0s' } }).tell('persistence')
    expect(managed.reason('persistence')).toContain('lacks the right +config|get')
    await redis.cli('config', 'set', 'save', '')
    expect((await watch.tell('persistence')).step('persistence').outcome).toBe('ok')
  })

  test('an append-only file that cannot be written is critical until there is room again', async () => {
    await using dir = await makeTempDir()
    await using redis = await startWithFullDisk(dir.path)
    const watch = teller(redisStory, { url: `redis://127.0.0.1:${redis.port}` })
    expect((await watch.tell('persistence')).step('persistence').outcome).toBe('ok')
    const told = await until('the file is full', async () => {
      await redis.write()
      const answer = await watch.tell('persistence')
      return answer.step('persistence').outcome === 'problem' && answer
    })
    expect(told.step('persistence').findings).toMatchObject([{ key: 'aof-write', severity: 'critical' }])
    await promisify(execFile)('prlimit', ['--pid', `${redis.pid()}`, '--fsize=unlimited:unlimited'])
    await until('it writes again', async () => {
      return (await watch.tell('persistence')).step('persistence').outcome === 'ok'
    })
  })
})

/** Snapshots fail from now on, for root too, until the function that it gives is called. */
async function failSnapshots(redis: Redis): Promise<() => Promise<void>> {
  const inTheWay = join(redis.dir, 'dump.rdb')
  await mkdir(inTheWay)
  await redis.cli('set', 'a', 1)
  await redis.cli('bgsave')
  await until('the snapshot failed', async () =>
    String(await redis.cli('info', 'persistence')).includes('rdb_last_bgsave_status:err'),
  )
  return () => rmdir(inTheWay)
}

/** A server whose files may grow to 1 MB: no right to mount a small disk is needed for that. */
function startWithFullDisk(dir: string) {
  return onFreePorts(1, async (port) => {
    const flags = [
      '--bind 127.0.0.1',
      `--port ${port}`,
      `--dir ${dir}`,
      '--appendonly yes',
      "--save ''",
    ].join(' ')
    const server = await startServer({
      name: 'redis',
      command: 'sh',
      args: ['-c', `trap '' XFSZ; ulimit -S -f 1000; exec redis-server ${flags}`],
      dir,
      ready: () => ask(port, ['PING']),
    })
    const write = () => ask(port, ['SET', 'k', 'x'.repeat(100_000)]).catch(() => {})
    return { ...server, port, write }
  })
}

async function ask(port: number, command: readonly [string, ...string[]]): Promise<unknown> {
  const { Redis: Client } = await import('ioredis')
  const client = new Client({ port, lazyConnect: true, retryStrategy: null })
  client.on('error', () => {})
  try {
    return await client.call(...command)
  } finally {
    client.disconnect()
  }
}
