import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RedisInfo } from '../../../../src/clients/redis/info.ts'
import { memoryLeft } from '../../../../stories/redis/local-host.ts'

let proc: string
beforeAll(async () => {
  proc = await mkdtemp(join(tmpdir(), 'hz-'))
  await writeFile(join(proc, 'meminfo'), 'MemTotal:       24684084 kB\nMemAvailable:   23801196 kB\n')
  await run(7, 'redis-server')
  await run(8, 'valkey-server')
  await run(1, 'systemd')
})
afterAll(() => rm(proc, { recursive: true }))

test.each(['127.0.0.1:6379', 'localhost:6379', '[::1]:6379'])('%s is on this host', async (address) => {
  expect(await memoryLeft(address, serverOf(7), proc)).toBe(23_801_196 * 1024)
  expect(await memoryLeft(address, serverOf(8), proc)).toBe(23_801_196 * 1024)
})

test('a server on another host, or behind a forwarded port, is not looked for here', async () => {
  expect(await memoryLeft('10.0.0.7:6379', serverOf(7), proc)).toBeNull()
  expect(await memoryLeft('127.0.0.1:6379', serverOf(1), proc)).toBeNull()
  expect(await memoryLeft('127.0.0.1:6379', serverOf(12), proc)).toBeNull()
})

const serverOf = (pid: number) => new RedisInfo(`# Server\r\nprocess_id:${pid}\r\n`)

async function run(pid: number, name: string): Promise<void> {
  await mkdir(join(proc, `${pid}`))
  const stat = `${pid} (${name}) S 1 ${pid} ${pid} 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 4 0 12345 0 0\n`
  await writeFile(join(proc, `${pid}`, 'stat'), stat)
}
