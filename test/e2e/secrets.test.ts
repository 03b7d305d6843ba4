import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Ports, startHostile } from '../support/hostile-servers.ts'
import { leaksIn, secret, secretInUrl } from '../support/leaks.ts'
import { type Daemon, makePlace, type Place } from '../support/program.ts'
import { startHttpReceiver } from '../support/servers/http-receiver.ts'
import { startSmtp } from '../support/servers/smtp.ts'
import { until } from '../support/servers/until.ts'

const login = `u:${secretInUrl}@127.0.0.1`

/** Every place in which an entry can hold a secret, for servers of one manner. */
function entriesFor(manner: string, { redis, mysql, http }: Ports): readonly string[] {
  const own = `user: u, password: "\${SECRET}"`
  return [
    `redis, with: { url: "redis://${login}:${redis}" }`,
    `redis, with: { url: "redis://127.0.0.1:${redis}", user: u, password: "${secret}" }`,
    `mysql, with: { url: "mysql://${login}:${mysql}" }`,
    `mysql, with: { host: 127.0.0.1, port: ${mysql}, ${own} }`,
    `rabbitmq, with: { nodes: ["http://${login}:${http}"], amqp: ["amqp://${login}:${redis}"] }`,
    `rabbitmq, with: { nodes: ["http://127.0.0.1:${http}"], ${own} }`,
    `supervisor, with: { url: "http://${login}:${http}" }`,
    `supervisor, with: { url: "http://127.0.0.1:${http}", user: u, password: "\${file:secret.txt}" }`,
    `http, with: { url: "http://${login}:${http}/", headers: { X-Api-Key: "${secret}" } }`,
    `http, with: { url: "http://127.0.0.1:${http}/", headers: { Authorization: "Bearer \${SECRET}" } }`,
  ].map((entry, index) => {
    const times = 'every: 2s, confirmAfter: 100ms, deadlines: { open: 1500ms, step: 1500ms, story: 3s }'
    return `  - { story: ${entry}, name: ${manner}-${index}, ${times} }`
  })
}

function channelsFor(manner: string, { smtp, http }: Pick<Ports, 'smtp' | 'http'>): readonly string[] {
  return [
    `  ${manner}-mail: { use: mail, smtp: "smtp://${login}:${smtp}", to: ops@example.com, timeout: 1s, starttls: never }`,
    `  ${manner}-hook: { use: webhook, url: "http://${login}:${http}/hook", timeout: 1s, secret: "${secret}" }`,
    `  ${manner}-token: { use: webhook, url: "http://127.0.0.1:${http}/hook", timeout: 1s, headers: { Authorization: "Bearer \${SECRET}" } }`,
  ]
}

describe('a secret', () => {
  test('leaves the program nowhere, whatever servers do with it', { timeout: 90_000 }, async () => {
    const quoted = `u:${secret} ${Buffer.from(`u:${secret}`).toString('base64')} redis://u:${secretInUrl}@h`
    await using hostile = await startHostile(quoted)
    await using receiver = await startHttpReceiver()
    await using smtp = await startSmtp({ auth: { user: 'u', password: secret } })
    const manners = ['refused', 'hung', 'failed'] as const
    const entries = [
      ...manners.flatMap((manner) => entriesFor(manner, hostile[manner])),
      `  - { story: leaky, every: 2s, confirmAfter: 100ms, with: { password: "${secret}" } }`,
    ]
    const channels = [
      ...manners.flatMap((manner) => channelsFor(manner, hostile[manner])),
      ...channelsFor('good', { smtp: smtp.port, http: receiver.port }),
    ]
    await using place = await makePlace({
      'secret.txt': secret,
      'healthz.yaml': `
platform: shop
http: { listen: 127.0.0.1:0 }
store: { file: state.db }
limits: { concurrency: 40 }
alarms: { groupWait: 0s }
plugins: [${join(import.meta.dirname, '../support/stories')}]
stories:
${entries.join('\n')}
channels:
${channels.join('\n')}
`,
    })
    place.env['SECRET'] = secret
    const daemon = await place.daemon()
    const said = (message: string, field: string) =>
      new Set(daemon.log().flatMap((line) => (line.msg === message ? [String(line[field])] : [])))
    await until('all is raised', () => said('raised', 'problem').size >= entries.length, { deadline: 30_000 })
    await until('every channel has tried', () => {
      return said('alarm not taken', 'channel').size >= 9 && said('alarm sent', 'channel').size >= 3
    })
    const places = {
      ...(await asked(daemon)),
      'webhook bodies': receiver.requests.map(({ body }) => body).join('\n'),
      mails: smtp.mails.map(({ raw, text, html }) => `${raw}\n${text}\n${html}`).join('\n'),
    }
    expect(places['webhook bodies']).toContain('failed-9')
    expect(places['webhook bodies']).toContain('the login redis://***@h fails')
    daemon.signal('SIGTERM')
    await daemon.ended()
    Object.assign(places, await printed(place), { log: daemon.stdout(), stderr: daemon.stderr() })
    expect(
      Object.entries(places)
        .filter(([, text]) => text === '')
        .map(([name]) => name),
    ).toEqual(['stderr'])
    expect(leaksIn(places)).toEqual([])
  })

  test.each([
    ['in a URL of another scheme', `stories: [{ story: redis, with: { url: "http://${login}" } }]`],
    ['in a URL that is none', `stories: [{ story: redis, with: { url: "u:${secret}" } }]`],
    ['under an unknown key', `stories: [{ story: redis, with: { url: "redis://h", pasword: "${secret}" } }]`],
    ['where a number belongs', `stories: [{ story: mysql, with: { host: h, port: "${secret}" } }]`],
    ['where a mapping belongs', `stories: [{ story: redis, with: "${secret}" }]`],
    ['as a duration', `interval: "\${SECRET}"\nstories: [{ story: process }]`],
    ['behind a broken quote', `stories: [{ story: redis, with: { url: "redis://${login} } }]`],
    [
      'as the sender of mails',
      `stories: [{ story: process }]\nchannels: { ops: { use: mail, smtp: "smtp://h", to: "${secret}" } }`,
    ],
  ])('that stands %s is not quoted by the faults', async (_, config) => {
    await using place = await makePlace({ 'healthz.yaml': config })
    place.env['SECRET'] = secret
    const { code, stdout, stderr } = await place.run('config', 'check')
    expect(code).toBe(2)
    expect(stderr).toContain('healthz.yaml:')
    expect(leaksIn({ stdout, stderr })).toEqual([])
  })
})

/** What it answers over HTTP. */
async function asked(daemon: Daemon): Promise<Record<string, string>> {
  const paths = ['/metrics', '/healthz?verbose', '/api/v1/stories', '/api/v1/problems', '/api/v1/alarms']
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, (await daemon.get(path)).body])),
  )
}

/** What the commands print, and what lies in the store's file. */
async function printed(place: Place): Promise<Record<string, string>> {
  const commands = [
    ['--once', '--alarm'],
    ...['json', 'junit', 'tap'].map((format) => ['--once', '--format', format]),
    ['config', 'show'],
    ['status'],
    ['status', '--format', 'json'],
  ]
  const texts: Record<string, string> = { store: await readFile(join(place.dir, 'state.db'), 'latin1') }
  const ended = await Promise.all(commands.map((command) => place.run(...command)))
  for (const [index, { stdout, stderr }] of ended.entries())
    texts[commands[index]?.join(' ') ?? ''] = stdout + stderr
  return texts
}
