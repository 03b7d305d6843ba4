import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterView } from '../../src/core/cluster.ts'
import { leaksIn, secret, secretInUrl } from '../support/leaks.ts'
import { describeWith } from '../support/needs.ts'
import { type Daemon, makePlace, type Place } from '../support/program.ts'
import { freePort } from '../support/servers/ports.ts'
import { type Redis, startRedis } from '../support/servers/redis.ts'
import { type Smtp, startSmtp } from '../support/servers/smtp.ts'
import { until } from '../support/servers/until.ts'

const stories = join(import.meta.dirname, '../support/stories')
const quick = '{ beat: 200ms, valid: 1200ms, lease: 2s, clockStep: 300ms, settle: 200ms, batch: 100ms }'
/** Where nobody may lose a seat because the machine is busy. */
const steady = quick.replace('1200ms', '2s').replace('2s, clock', '3s, clock')

interface Wish {
  readonly redis: string
  readonly name?: string
  readonly timing?: string
  /** More of `cluster`, more entries, and more keys of the file. */
  readonly cluster?: string
  readonly entries?: readonly string[]
  readonly more?: string
  readonly http?: string
}

function configOf(node: string, wish: Wish): string {
  const { name = 'shop', timing = quick, cluster = '', entries = [], more = '', http = '127.0.0.1:0' } = wish
  return `
platform: shop
node: ${node}
http: { listen: "${http}" }
store: { file: ${node}.db }
plugins: [${stories}]
cluster: { name: ${name}, redis: "${wish.redis}", timing: ${timing}${cluster} }
stories: [${entries.join(', ')}]
${more}
`
}

const light = (name: string, more = '') =>
  `{ story: light, name: ${name}, every: 1s, confirmAfter: 100ms, with: { file: ${name}.light${more} } }`

async function viewOf(daemon: Daemon): Promise<ClusterView> {
  return JSON.parse((await daemon.get('/api/v1/ring')).body)
}

async function metric(daemon: Daemon, name: string): Promise<number> {
  const { body } = await daemon.get('/metrics')
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (.*)$`, 'm').exec(body)?.[1])
}

/** Waits until these nodes, and no others, are active and agree on who leads; returns who that is. */
function agreed(nodes: Readonly<Record<string, Daemon>>, isRight = (_: string) => true) {
  const names = Object.keys(nodes)
  return until(
    `${names} agree on a leader`,
    async () => {
      const views = await Promise.all(Object.values(nodes).map(viewOf))
      const leaders = new Set(views.map(({ leader }) => `${leader?.name} ${leader?.epoch}`))
      const [{ leader = null } = {}] = views
      const isWhole = views.every(({ members, mode }) => {
        const active = members.filter(({ state }) => state === 'active').map((member) => member.name)
        return mode === 'member' && active.toSorted().join() === names.toSorted().join()
      })
      return (
        isWhole &&
        leaders.size === 1 &&
        leader !== null &&
        names.includes(leader.name) &&
        isRight(leader.name) &&
        leader
      )
    },
    { deadline: 20_000 },
  )
}

/** One cluster from its start to its end, so the order of these tests is part of them. */
describeWith(['redis'], 'a cluster of three', () => {
  const stack = new AsyncDisposableStack()
  let redis: Redis
  let smtp: Smtp
  let place: Place
  let nodes: Record<string, Daemon>
  const node = (name: string): Daemon => {
    const daemon = nodes[name]
    if (daemon === undefined) throw new Error(`there is no ${name}`)
    return daemon
  }
  const other = (than: string) => Object.keys(nodes).find((name) => name !== than) ?? ''
  const wish = (entries = [light('north', ', cure: ask')]): Wish => ({
    redis: redis.url,
    timing: steady,
    entries,
    more: `channels: { ops: { use: mail, smtp: "${smtp.url}", to: ops@example.com } }\nalarms: { groupWait: 200ms, clear: 1 }`,
  })
  const write = (name: string, text: string) => place.write(`${name}.yaml`, text)
  const ring = async (name = 'n1') => {
    return JSON.parse((await place.run('ring', '--format', 'json', '-c', `${name}.yaml`)).stdout)
  }

  beforeAll(async () => {
    redis = stack.use(await startRedis())
    smtp = stack.use(await startSmtp())
    place = stack.use(await makePlace())
    const names = ['n1', 'n2', 'n3']
    await Promise.all(names.map((name) => write(name, configOf(name, wish()))))
    const started = names.map(async (name) => [name, await place.daemon('-c', `${name}.yaml`)] as const)
    nodes = Object.fromEntries(await Promise.all(started))
    await agreed(nodes)
  })
  afterAll(() => stack.disposeAsync())

  test('one leads, and every node and the ring say which', async () => {
    const leader = await agreed(nodes)
    const { code, stdout } = await place.run('ring', '-c', 'n1.yaml')
    expect(code).toBe(0)
    expect(stdout).toContain(`shop: 3 members, ${leader.name} leads since 20`)
    expect(stdout).toMatch(
      new RegExp(`^★ +${leader.name} +active +[\\d.]+ m?s ago +\\d+/256 +127\\.0\\.0\\.1:\\d+`, 'm'),
    )
    expect(stdout).toMatch(/^north +n[123]$/m)
    const { members, entries, lost } = await ring()
    expect(
      members.map(({ shards }: { shards: number }) => shards).reduce((a: number, b: number) => a + b),
    ).toBe(256)
    expect(lost).toEqual([])
    expect(entries).toEqual([
      expect.objectContaining({ name: 'north', owner: expect.stringMatching(/^n[123]$/) }),
    ])
    const leads = await Promise.all(Object.values(nodes).map((daemon) => metric(daemon, 'healthz_leader')))
    expect(leads.reduce((a, b) => a + b)).toBe(1)
    expect(await metric(node('n2'), 'healthz_ring_members')).toBe(3)
    expect(await metric(node('n3'), 'healthz_degraded')).toBe(0)
  })

  test('a problem is told once, status knows it on every node, and any node takes the consent to its cure', async () => {
    await place.write('north.light', 'red')
    const raised = await until('a mail', () => smtp.mails[0])
    expect(raised.header('subject')).toContain('[healthz shop] CRITICAL 1 raised: north')
    const statuses = Object.keys(nodes).map((name) => place.run('status', '-c', `${name}.yaml`))
    for (const { code, stdout } of await Promise.all(statuses))
      expect({ code, stdout }).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('CRITICAL  north/green'),
      })
    const owner: string = (await ring()).entries[0].owner
    const listed = await place.run('resolve', 'list', '-c', `${other(owner)}.yaml`)
    expect(listed.stdout).toBe(
      'north/green\n    the light is red for 7 lanes (limit 3)\n    → turn it green\n',
    )
    const approved = await place.run('resolve', 'approve', 'north/green', '-c', `${other(owner)}.yaml`)
    expect(approved).toMatchObject({ code: 0, stdout: expect.stringContaining('approved for one attempt') })
    const recovered = await until('a second mail', () => smtp.mails[1])
    expect(recovered.text).toMatch(/^RECOVERED north:.*tried: turn it green .*healed in/s)
    expect(await place.read('north.light')).toBe('green')
    expect(
      node(owner)
        .log()
        .filter(({ msg }) => msg === 'cure began'),
    ).toHaveLength(1)
    expect(smtp.mails).toHaveLength(2)
  })

  test('a single run beside it looks, and neither cures nor alarms nor leaves a mark', async () => {
    const { name: leader } = await agreed(nodes)
    await place.write('west.light', 'red')
    await write('beside', configOf('n9', wish([light('west', ', cure: auto')])))
    const { code, stdout, stderr } = await place.run('--once', '--alarm', '-c', 'beside.yaml')
    expect(code).toBe(1)
    expect(stdout).toContain('CRITICAL  west/green')
    expect(stderr).toBe(`healthz: the cluster shop keeps watch, led by ${leader}; this run only looked\n`)
    expect(await place.read('west.light')).toBe('red')
    expect(await place.files()).not.toContain('n9.db')
    expect((await ring()).members).toHaveLength(3)
    expect((await place.run('status', '-c', 'n1.yaml')).stdout).not.toContain('west')
    expect(smtp.mails).toHaveLength(2)
  })

  test('SIGHUP brings new entries to all nodes, and leadership stays where it is', async () => {
    const before = await agreed(nodes)
    const changes = () => Object.values(nodes).map((one) => one.log().filter(({ msg }) => msg === 'leader'))
    const changesBefore = changes()
    const entries = [light('north', ', cure: ask'), light('south')]
    for (const name of Object.keys(nodes)) await write(name, configOf(name, wish(entries)))
    for (const daemon of Object.values(nodes)) daemon.signal('SIGHUP')
    for (const daemon of Object.values(nodes)) await daemon.says('reloaded', { stories: 2 })
    await until('the new entry is told', async () =>
      (await node('n1').get('/api/v1/stories')).body.includes('"south"'),
    )
    await until('all nodes are known by their new configuration', async () => {
      const { members } = await ring()
      return members.every(({ isOtherConfig }: { isOtherConfig: boolean }) => !isOtherConfig)
    })
    expect(await agreed(nodes)).toEqual(before)
    expect(changes()).toEqual(changesBefore)
  })

  test('a reload that has faults, or needs a restart, changes nothing and says why', async () => {
    const good = await place.read('n1.yaml')
    const before = await agreed(nodes)
    const reload = (text: string) => write('n1', text).then(() => node('n1').signal('SIGHUP'))
    const succeeded = () => metric(node('n1'), 'healthz_config_last_reload_successful')

    await reload(good.replace('story: light', 'story: lihgt'))
    const { faults } = await node('n1').says(
      'reload refused: the configuration has faults; the old one goes on',
    )
    expect(faults).toMatch(/n1\.yaml:\d+:\d+ {2}.*"lihgt".*"light"/)
    expect(await succeeded()).toBe(0)

    await reload(
      good
        .replace('127.0.0.1:0', '127.0.0.1:1')
        .replace('n1.db', 'other.db')
        .replace('lease: 3s', 'lease: 4s'),
    )
    const { changed } = await node('n1').says('reload refused: a restart is needed')
    expect(changed).toBe('http, store.file, cluster')
    expect(await succeeded()).toBe(0)
    expect((await node('n1').get('/api/v1/stories')).body).toContain('"south"')

    await reload(good)
    await until('the good one is taken', async () => (await succeeded()) === 1)
    expect(await agreed(nodes)).toEqual(before)
  })

  test('healthz resign moves the lead', async () => {
    const before = await agreed(nodes)
    const { code, stdout } = await place.run('resign', '-c', `${other(before.name)}.yaml`)
    const after = await agreed(nodes, (name) => name !== before.name)
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${before.name} has resigned; ${after.name} leads\n`,
    })
    expect(after.epoch).toBeGreaterThan(before.epoch)
    await node(before.name).says('this node leads no more', { why: 'resigned' })
  })

  test('a leader that is told to stop hands over, and leaves nothing behind', async () => {
    const { name } = await agreed(nodes)
    const leaver = node(name)
    nodes = Object.fromEntries(Object.entries(nodes).filter(([one]) => one !== name))
    leaver.signal('SIGTERM')
    expect(await leaver.ended()).toMatchObject({ code: 0, stderr: '' })
    const next = await agreed(nodes)
    const { leader, members, lost, entries } = await ring(next.name)
    expect({ leader: leader.name, lost }).toEqual({ leader: next.name, lost: [] })
    expect(members.map((member: { name: string }) => member.name)).not.toContain(name)
    await until('the others tell all', async () => {
      const { entries } = await ring(next.name)
      return entries.every(({ owner }: { owner: string | null }) => owner !== null && owner !== name)
    })
    expect(entries).toHaveLength(2)
    const own = await redis.cli('HVALS', '{hz:shop}:own')
    expect(JSON.stringify(own)).not.toContain(`${name}@`)
  })

  test('a node that is killed is lost, and said to be', async () => {
    const { name } = await agreed(nodes)
    const survivor = other(name)
    node(name).signal('SIGKILL')
    nodes = { [survivor]: node(survivor) }
    await agreed(nodes)
    const { code, stdout } = await place.run('ring', '-c', `${survivor}.yaml`)
    expect(code).toBe(1)
    expect(stdout).toMatch(new RegExp(`^✗ ${name} on \\S+ is lost since 20`, 'm'))
    expect(await place.run('resign', '-c', `${survivor}.yaml`)).toMatchObject({
      code: 1,
      stderr: `healthz: ${survivor} is the only active member: there is nobody to hand over to\n`,
    })
  })

  test('when Redis is gone, every command says so in one message, and a single run only looks', async () => {
    await redis.kill()
    const message = `healthz: the coordinating Redis cannot be asked: nothing listens on 127.0.0.1:${redis.port}\n    start the server, or correct the address; its own log says why it stopped\n`
    const commands = ['ring', 'resign', 'status', 'resolve list']
    const ended = commands.map(async (command) => [
      command,
      await place.run(...command.split(' '), '-c', 'n1.yaml'),
    ])
    const said = { code: 3, signal: null, stdout: '', stderr: message }
    expect(await Promise.all(ended)).toEqual(commands.map((command) => [command, said]))
    await place.write('west.light', 'red')
    const { stdout, stderr } = await place.run('--once', '-c', 'beside.yaml')
    expect(stdout).toContain('CRITICAL  west/green')
    expect(stderr).toBe(
      `healthz: whether the cluster shop keeps watch is not known: nothing listens on 127.0.0.1:${redis.port}; this run only looked\n`,
    )
    expect(await place.read('west.light')).toBe('red')
  })
})

describeWith(['redis'], 'a node of a cluster', () => {
  test('is back at once after a crash, by what it remembers on disk', async () => {
    await using redis = await startRedis()
    await using place = await makePlace()
    // What it held is not free by itself within this test.
    const timing = quick.replace('lease: 2s', 'lease: 10m')
    await place.write('n1.yaml', configOf('n1', { redis: redis.url, timing, entries: [light('north')] }))
    const first = await place.daemon('-c', 'n1.yaml')
    await first.says('cluster', { mode: 'member' })
    await until('it is written down', () => place.read('n1.db.session'))
    first.signal('SIGKILL')
    await first.ended()
    const second = await place.daemon('-c', 'n1.yaml')
    await second.says('cluster', { mode: 'member' })
    expect(second.log().filter(({ level }) => level === 'error')).toEqual([])
  })

  test('waits while another one has its name, and says so', async () => {
    await using redis = await startRedis()
    await using place = await makePlace()
    await place.write('n1.yaml', configOf('n1', { redis: redis.url, entries: [light('north')] }))
    await place.write('twin.yaml', (await place.read('n1.yaml')).replace('n1.db', 'twin.db'))
    const first = await place.daemon('-c', 'n1.yaml')
    const leader = await agreed({ n1: first })
    const twin = await place.daemon('-c', 'twin.yaml')
    const told = 'another member of the cluster has the name of this node; it waits until that one is gone'
    await twin.says(told, { node: 'n1' })
    expect(await agreed({ n1: first })).toEqual(leader)
    first.signal('SIGTERM')
    expect(await first.ended()).toMatchObject({ code: 0, stderr: '' })
    expect((await agreed({ n1: twin })).epoch).toBeGreaterThan(leader.epoch)
  })

  test('starts while Redis is down, and joins when it is there; a single run where nobody is a member cures', async () => {
    await using redis = await startRedis()
    await using place = await makePlace()
    await place.write(
      'n1.yaml',
      configOf('n1', { redis: redis.url, entries: [light('north', ', cure: auto')] }),
    )
    await place.write('north.light', 'red')
    const once = await place.run('--once', '-c', 'n1.yaml')
    expect(once).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('HEALED  north/green'),
    })
    expect(await place.read('north.light')).toBe('green')
    expect(await place.run('status', '-c', 'n1.yaml')).toMatchObject({
      code: 3,
      stdout: 'nothing was told yet\n',
    })
    expect(await place.run('ring', '-c', 'n1.yaml')).toMatchObject({
      code: 1,
      stdout: 'shop: nobody is a member; healthz -d makes one\n',
    })

    await redis.kill()
    const daemon = await place.daemon('-c', 'n1.yaml')
    await daemon.says(`nothing listens on 127.0.0.1:${redis.port}`)
    await redis.restart()
    await agreed({ n1: daemon })
    await until('its entry is told', async () => (await place.run('status', '-c', 'n1.yaml')).code === 0)
  })

  test('a configuration without a cluster has no ring', async () => {
    await using place = await makePlace({ 'healthz.yaml': 'stories: [{ story: host }]' })
    for (const command of ['ring', 'resign'])
      expect(await place.run(command)).toMatchObject({
        code: 2,
        stderr: 'healthz: this configuration has no "cluster": this node is alone\n',
      })
  })
})

describeWith(['redis'], 'a node that can never join', () => {
  const stack = new AsyncDisposableStack()
  let redis: Redis
  let replica: Redis
  beforeAll(async () => {
    redis = stack.use(await startRedis({ password: secret }))
    replica = stack.use(await startRedis({ password: secret, replicaOf: redis }))
    await redis.cli(
      'ACL',
      'SETUSER',
      'reader',
      'on',
      `>${secret}`,
      '~*',
      '&*',
      '+@read',
      '+ping',
      '+hello',
      '+info',
    )
  })
  afterAll(() => stack.disposeAsync())

  const at = (login: string, { port }: Redis) => `redis://${login}@127.0.0.1:${port}`
  const right = `:${secretInUrl}`
  const cases: readonly (readonly [string, () => Wish, readonly (string | RegExp)[]])[] = [
    [
      'by a wrong password',
      () => ({ redis: at(`${right}wrong`, redis) }),
      [/^healthz: 127\.0\.0\.1:\d+ refuses the user default with this password\n {4}the password is wrong/],
    ],
    [
      'by a missing one',
      () => ({ redis: `redis://127.0.0.1:${redis.port}` }),
      [/^healthz: 127\.0\.0\.1:\d+ wants a password and none is configured\n/],
    ],
    [
      'by a user that lacks rights',
      () => ({ redis: at(`reader${right}`, redis) }),
      [
        /^healthz: the user reader lacks rights on 127\.0\.0\.1:\d+: .*evalsha/,
        /run this on each Redis server .*ACL SETUSER reader/,
      ],
    ],
    [
      'by a replica',
      () => ({ redis: at(right, replica) }),
      [
        /^healthz: 127\.0\.0\.1:\d+ is a replica of 127\.0\.0\.1:\d+ and takes no writes\n {4}write redis:\/\/127/,
      ],
    ],
    [
      'by a timing that is not safe',
      () => ({ redis: at(right, redis), timing: quick.replace('lease: 2s', 'lease: 1500ms') }),
      [
        /n1\.yaml:\d+:\d+ {2}"lease" is 1500ms: too short for "valid" 1200ms and "clockStep" 300ms; two nodes could lead at once/,
      ],
    ],
    [
      'by a secret and a server that nobody else reaches',
      () => ({ redis: at(right, redis), cluster: `, secret: "${secret}"`, http: '127.0.0.1:9180' }),
      ['other nodes cannot reach this one: its HTTP server listens on 127.0.0.1:9180 only'],
    ],
    [
      'by a name that cannot be one',
      () => ({ redis: at(right, redis), name: '"shop cluster"' }),
      ['only letters, digits, ".", "_" and "-" can stand in it'],
    ],
    [
      'by a port that another program has',
      () => ({ redis: at(right, redis), http: `127.0.0.1:${redis.port}` }),
      [/^healthz: cannot listen on 127\.0\.0\.1:\d+: .*; change http\.listen/],
    ],
  ]
  test.each(cases)(
    'is refused at its start %s, in one message without the secret',
    async (_, wish, words) => {
      await using place = await makePlace()
      await place.write('n1.yaml', configOf('n1', { entries: [light('north')], ...wish() }))
      const { code, stdout, stderr } = await place.run('-d', '-c', 'n1.yaml')
      for (const word of words) expect(stderr).toMatch(word)
      expect(stderr.match(/^healthz: |^n1\.yaml:/gm)).toHaveLength(1)
      expect({ code, leaks: leaksIn({ stdout, stderr }) }).toEqual({ code: 2, leaks: [] })
    },
  )

  test('a node that runs prints the secret nowhere, and neither do its commands', async () => {
    await using place = await makePlace()
    const port = await freePort()
    await place.write(
      'n1.yaml',
      configOf('n1', {
        redis: at(right, redis),
        cluster: `, secret: "${secret}", advertise: "127.0.0.1:${port}"`,
        http: `127.0.0.1:${port}`,
        entries: [light('north')],
      }),
    )
    const daemon = await place.daemon('-c', 'n1.yaml')
    await agreed({ n1: daemon })
    const commands = [
      'ring',
      'ring --format json',
      'resign',
      'status',
      'resolve list',
      'config show',
      '--once',
    ]
    const ended = await Promise.all(
      commands.map((command) => place.run(...command.split(' '), '-c', 'n1.yaml')),
    )
    const paths = ['/metrics', '/api/v1/ring', '/api/v1/stories', '/-/peer/probe']
    const asked = await Promise.all(paths.map((path) => daemon.get(path)))
    daemon.signal('SIGTERM')
    await daemon.ended()
    const places = {
      ...Object.fromEntries(commands.map((command, index) => [command, JSON.stringify(ended[index])])),
      ...Object.fromEntries(paths.map((path, index) => [path, asked[index]?.body ?? ''])),
      log: daemon.stdout() + daemon.stderr(),
      session: await place.read('n1.db.session'),
      redis: JSON.stringify(await dump(redis)),
    }
    expect(Object.entries(places).filter(([, text]) => text.length < 3)).toEqual([])
    expect(leaksIn(places)).toEqual([])
  })
})

/** All that Redis holds of hashes, as text. */
async function dump(redis: Redis): Promise<readonly unknown[]> {
  const keys = await redis.cli('KEYS', '*')
  const hashes = (Array.isArray(keys) ? keys : []).map((key) =>
    redis.cli('HGETALL', String(key)).catch(() => key),
  )
  return Promise.all(hashes)
}
