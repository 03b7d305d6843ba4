import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeWith } from '../support/needs.ts'
import { type Daemon, makePlace } from '../support/program.ts'
import { freePort } from '../support/servers/ports.ts'
import { startRedis } from '../support/servers/redis.ts'
import { startSmtp } from '../support/servers/smtp.ts'
import { until } from '../support/servers/until.ts'

const stories = join(import.meta.dirname, '../support/stories')

async function line(daemon: Daemon, start: string): Promise<string | undefined> {
  const { body } = await daemon.get('/metrics')
  return body.split('\n').find((one) => one.startsWith(`${start} `) || one === start)
}

describeWith(['redis'], 'the daemon through a fault and its end', () => {
  test('people, probes, metrics and the API learn of a dead Redis and of its return', async () => {
    await using redis = await startRedis({ args: ['--maxmemory', '64mb'] })
    await using smtp = await startSmtp()
    await using place = await makePlace({
      'healthz.yaml': `
platform: shop
node: n1
http: { listen: "127.0.0.1:${await freePort()}" }
store: { file: state.db }
stories: [{ story: redis, name: cache, every: 1s, confirmAfter: 200ms, with: { url: "${redis.url}" } }]
channels: { ops: { use: mail, smtp: "${smtp.url}", to: [ops@example.com, dev@example.com] } }
alarms: { groupWait: 1s }
`,
    })
    const daemon = await place.daemon()
    await until('all is well', async () => (await daemon.get('/healthz')).status === 200)
    expect(await place.run('probe', '/healthz')).toMatchObject({ code: 0, stdout: 'ok\n' })
    expect((await place.run('status')).code).toBe(0)

    await redis.kill()
    const raised = await until('a mail', () => smtp.mails[0])
    expect(raised.header('subject')).toContain('[healthz shop] CRITICAL 1 raised: cache: nothing listens on')
    expect(raised.text).toContain(`RAISED CRITICAL cache: nothing listens on 127.0.0.1:${redis.port}`)
    expect(raised.text).toContain('what to do: start the server')
    expect(raised.text).toContain('details: kind=refused')
    expect(raised.to).toEqual(['ops@example.com', 'dev@example.com'])

    expect(await daemon.get('/healthz')).toMatchObject({ status: 503, body: 'critical\n' })
    expect(JSON.parse((await daemon.get('/healthz', 'application/json')).body)).toMatchObject({
      verdict: 'critical',
      problems: [{ entry: 'cache', step: 'connect', phase: 'raised', evidence: { kind: 'refused' } }],
    })
    expect((await daemon.get('/livez')).status).toBe(200)
    expect((await daemon.get('/readyz')).status).toBe(200)
    expect(await place.run('probe', '/healthz')).toMatchObject({ code: 1, stdout: 'critical\n' })
    expect((await place.run('probe')).code).toBe(0)
    expect((await place.run('status')).code).toBe(1)
    expect(JSON.parse((await daemon.get('/api/v1/problems')).body)).toMatchObject({
      problems: [{ entry: 'cache', severity: 'critical' }],
    })
    await until('the mail is settled', async () => {
      const { alarms } = JSON.parse((await daemon.get('/api/v1/alarms')).body)
      return alarms.length === 1 && alarms[0].status === 'sent' && alarms[0].channel === 'ops'
    })
    const critical = 'healthz_problems{story="cache",severity="critical"}'
    expect(await line(daemon, critical)).toBe(`${critical} 1`)
    const refused = 'healthz_step_outcome{story="cache",step="connect",outcome="problem"}'
    expect(await line(daemon, refused)).toBe(`${refused} 1`)
    const sent = 'healthz_alarms_total{channel="ops",result="sent"}'
    expect(await line(daemon, sent)).toBe(`${sent} 1`)

    await redis.restart()
    const recovered = await until('a second mail', () => smtp.mails[1])
    expect(recovered.header('subject')).toContain('[healthz shop] OK 1 recovered: cache')
    expect(recovered.text).toContain(`RECOVERED cache: nothing listens on 127.0.0.1:${redis.port}`)
    expect(recovered.to).toEqual(raised.to)
    expect(raised.header('references')).toBeTruthy()
    expect(recovered.header('references')).toBe(raised.header('references'))
    expect(recovered.header('message-id')).not.toBe(raised.header('message-id'))
    expect(await daemon.get('/healthz')).toMatchObject({ status: 200, body: 'ok\n' })
    expect(await line(daemon, critical)).toBe(`${critical} 0`)
    expect(JSON.parse((await daemon.get('/api/v1/problems')).body)).toEqual({ problems: [] })

    daemon.signal('SIGTERM')
    expect(await daemon.ended()).toMatchObject({ code: 0, stderr: '' })
    expect(place.processes()).toEqual([])
    expect(smtp.mails).toHaveLength(2)
  })
})

describe('the daemon', () => {
  const place = async (entries: string, smtp: string, groupWait = '1s') => {
    return makePlace({
      'healthz.yaml': `
platform: shop
http: { listen: 127.0.0.1:0 }
store: { file: state.db }
plugins: [${stories}]
stories: [${entries}]
channels: { ops: { use: mail, smtp: "${smtp}", to: ops@example.com } }
alarms: { groupWait: ${groupWait}, clear: 1 }
`,
    })
  }
  const light = (name: string, more = '') =>
    `{ story: light, name: ${name}, every: 1s, confirmAfter: 100ms, with: { file: light${more} } }`

  test('faults that come together are one mail, and so are their ends', async () => {
    await using smtp = await startSmtp()
    await using home = await place(`${light('north')}, ${light('south')}`, smtp.url, '2s')
    const daemon = await home.daemon()
    await daemon.says('round ended', { entry: 'south' })
    await home.write('light', 'red')
    const raised = await until('a mail', () => smtp.mails[0])
    expect(raised.header('subject')).toContain('CRITICAL 2 raised')
    expect(raised.text).toContain('RAISED CRITICAL north: the light is red for 7 lanes (limit 3)')
    expect(raised.text).toContain('RAISED CRITICAL south: the light is red for 7 lanes (limit 3)')
    await home.write('light', 'green')
    const recovered = await until('a second mail', () => smtp.mails[1])
    expect(recovered.header('subject')).toContain('OK 2 recovered')
    daemon.signal('SIGTERM')
    await daemon.ended()
    expect(smtp.mails).toHaveLength(2)
  })

  test('a cure that works is told as healed, in one mail', async () => {
    await using smtp = await startSmtp()
    await using home = await place(light('north', ', cure: auto'), smtp.url)
    const daemon = await home.daemon()
    await daemon.says('round ended', { entry: 'north' })
    await home.write('light', 'red')
    const mail = await until('a mail', () => smtp.mails[0])
    expect(mail.header('subject')).toContain('OK 1 healed: north')
    expect(mail.text).toMatch(/^HEALED north: the light is red.*tried: turn it green .*healed in/s)
    expect(await home.read('light')).toBe('green')
    const healed = 'healthz_resolves_total{story="north",step="green",result="healed"}'
    expect(await line(daemon, healed)).toBe(`${healed} 1`)
    daemon.signal('SIGTERM')
    await daemon.ended()
    expect(smtp.mails).toHaveLength(1)
  })

  test('a cure that asks waits until a person approves it', async () => {
    await using smtp = await startSmtp()
    await using home = await place(light('north', ', cure: ask'), smtp.url)
    expect((await home.run('resolve', 'list')).code).toBe(2)
    const daemon = await home.daemon()
    expect(await home.run('resolve', 'list')).toMatchObject({
      code: 0,
      stdout: 'no cure waits for consent\n',
    })
    await home.write('light', 'red')
    const raised = await until('a mail', () => smtp.mails[0])
    expect(raised.text).toContain('waits for your consent: turn it green')
    const { stdout } = await home.run('resolve', 'list')
    expect(stdout).toBe('north/green\n    the light is red for 7 lanes (limit 3)\n    → turn it green\n')
    expect(await home.run('resolve', 'approve', 'north/gren')).toMatchObject({
      code: 2,
      stderr: 'healthz: no cure of "north/gren" waits for consent; waiting: north/green\n',
    })
    expect(await home.read('light')).toBe('red')
    expect((await home.run('resolve', 'approve', 'north/green')).stdout).toContain(
      'approved for one attempt within 1 h',
    )
    const recovered = await until('a second mail', () => smtp.mails[1])
    expect(recovered.text).toMatch(/^RECOVERED north:.*tried: turn it green .*healed in/s)
    expect(await home.read('light')).toBe('green')
    expect((await home.run('resolve', 'list')).stdout).toBe('no cure waits for consent\n')
    daemon.signal('SIGTERM')
    await daemon.ended()
  })

  test('who was told of a problem is told when it is no longer watched', async () => {
    await using smtp = await startSmtp()
    await using home = await place(`${light('north')}, ${light('south', '-s')}`, smtp.url)
    await home.write('light', 'red')
    const before = await home.daemon()
    const raised = await until('a mail', () => smtp.mails[0])
    before.signal('SIGTERM')
    await before.ended()

    const config = await home.read('healthz.yaml')
    await home.write('healthz.yaml', config.replace(`${light('north')}, `, ''))
    const after = await home.daemon()
    const withdrawn = await until('a second mail', () => smtp.mails[1])
    expect(withdrawn.header('subject')).toContain('1 no longer watched: north')
    expect(withdrawn.to).toEqual(raised.to)
    expect(withdrawn.header('references')).toBe(raised.header('references'))
    after.signal('SIGTERM')
    await after.ended()
    expect(smtp.mails).toHaveLength(2)
  })
})
