import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import prom from '../../../stories/prom/index.ts'
import { describeWith } from '../../support/needs.ts'
import { freezeWhole } from '../../support/servers/frozen.ts'
import { type HttpReceiver, startHttpReceiver } from '../../support/servers/http-receiver.ts'
import { freePort } from '../../support/servers/ports.ts'
import { type Prometheus, startPrometheus } from '../../support/servers/prometheus.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

const rules = `
groups:
- name: platform
  rules:
  - alert: TargetDown
    expr: up == 0
    labels: {severity: critical}
    annotations: {summary: 'target {{ $labels.instance }} is down', description: start it}
  - alert: Slow
    expr: vector(1)
    for: 1h
  - alert: Watchdog
    expr: vector(1)
  - record: bad:many
    expr: up * on(job) up
`

describeWith(['prometheus'], 'a Prometheus', () => {
  let healthy: Prometheus
  let prometheus: Prometheus
  let page: HttpReceiver
  let dead: readonly number[]
  beforeAll(async () => {
    page = await startHttpReceiver()
    page.answer({ status: 200, body: 'temperature{room="a"} 20\ntemperature{room="b"} 40\nempty_total 0\n' })
    dead = [await freePort(), await freePort(), await freePort()]
    healthy = await startPrometheus({ jobs: { pages: [`127.0.0.1:${page.port}`] } })
    prometheus = await startPrometheus({
      rules,
      jobs: {
        half: [`127.0.0.1:${page.port}`, `127.0.0.1:${dead[0]}`],
        dead: [`127.0.0.1:${dead[1]}`, `127.0.0.1:${dead[2]}`],
      },
    })
    await until('all is scraped', async () => (await prometheus.seriesOf('up')) === 4)
    await until('all is scraped', async () => (await healthy.seriesOf('temperature')) === 2)
  })
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]()
    await healthy?.[Symbol.asyncDispose]()
    await page?.[Symbol.asyncDispose]()
  })

  const asking = (queries: readonly Record<string, unknown>[]) =>
    teller(prom, { url: prometheus.url, queries })

  test('a healthy server has no problem', async () => {
    const queries = [
      { name: 'rooms that are too warm', query: 'temperature > 50' },
      { name: 'temperature', query: 'temperature', warn: '> 50' },
    ]
    const told = await teller(
      prom,
      { url: healthy.url, queries },
      { alerts: {}, targets: { down: '0s' } },
    ).tell()
    expect(told.outcomes()).toEqual({
      connect: 'ok',
      up: 'ok',
      query: 'ok',
      targets: 'ok',
      rules: 'ok',
      alerts: 'ok',
    })
  })

  test('each series that a query without limits gives is a problem', async () => {
    const told = await asking([
      {
        name: 'warm rooms',
        query: 'temperature > 30',
        severity: 'critical',
        confirm: 3,
        advice: 'open a window',
      },
    ]).tell('query')
    const { port } = page
    expect(told.summaries('query')).toEqual([
      `warm rooms: temperature{instance="127.0.0.1:${port}", job="half", room="b"} is 40`,
    ])
    expect(told.step('query').findings).toMatchObject([
      { severity: 'critical', confirm: 3, advice: 'open a window', evidence: { value: '40' } },
    ])
    const { link } = told.step('query').findings[0]?.evidence ?? {}
    expect((await fetch(String(link))).status).toBe(200)
  })

  test('values are judged against their limits', async () => {
    const told = await asking([
      { name: 'temperature', query: 'temperature', warn: '> 10', crit: '> 30' },
      { name: 'rooms', query: 'count(temperature)', warn: '< 2' },
      { name: 'half', query: 'scalar(count(temperature)) / 4', crit: '>= 0.5' },
      { name: 'without end', query: '1 / 0', warn: '> 7' },
    ]).tell('query')
    expect(told.summaries('query').toSorted()).toEqual([
      'half is 0.5 (limit >= 0.5)',
      expect.stringMatching(/^temperature: temperature\{.+room="a"\} is 20 \(limit > 10\)$/),
      expect.stringMatching(/^temperature: temperature\{.+room="b"\} is 40 \(limit > 30\)$/),
      'without end is Infinity (limit > 7)',
    ])
  })

  test('what is not there, or is no number, is unknown and never ok, unless the rule says so', async () => {
    const missing = { name: 'missing', query: 'nosuch', warn: '> 1' }
    const told = await asking([missing]).tell('query')
    expect(told.step('query').outcome).toBe('unknown')
    expect(told.reason('query')).toBe('missing: there is no such series')
    const nan = await asking([{ name: 'share', query: 'empty_total / empty_total', warn: '> 1' }]).tell(
      'query',
    )
    expect(nan.reason('query')).toContain('share: a value is no number (NaN)')
    const fine = await asking([{ ...missing, noData: 'ok' }]).tell('query')
    expect(fine.step('query').outcome).toBe('ok')
    const bad = await asking([{ ...missing, noData: 'problem' }]).tell('query')
    expect(bad.summaries('query')).toEqual(['missing: there is no such series'])
  })

  test('a query that fails is unknown and hides no other', async () => {
    const told = await asking([
      { name: 'many', query: 'up * on(job) up', warn: '> 1' },
      { name: 'down', query: 'count(up == 0)', warn: '> 2' },
    ]).tell('query')
    expect(told.summaries('query')).toEqual(['down is 3 (limit > 2)'])
    expect(told.reason('query')).toMatch(/^many: Prometheus says: found duplicate series/)
  })

  test.each([
    ['bad((', 'parse error: unclosed left parenthesis'],
    ['up[1m]', 'it gives a matrix'],
    ['"text"', 'it gives a string'],
    ['7', 'it gives a number, which is always there'],
  ])('a query that makes no sense (%s) is a fault of the configuration', async (query, words) => {
    const told = await asking([{ name: 'odd', query }]).tell('query')
    expect(told.summaries('query')).toEqual([expect.stringContaining(words)])
    expect(told.step('query').findings).toMatchObject([{ severity: 'warning', confirm: 1 }])
  })

  test('of many series the worst are told, and how many more there are', async () => {
    const told = await asking([{ name: 'info', query: '{__name__=~"scrape_.+|up"}' }]).tell('query')
    expect(told.step('query').findings).toHaveLength(10)
    expect(told.summaries('query').at(-1)).toMatch(/^there are \d+ more problems of this kind$/)
  })

  test('targets that are down for long are told by job, a job that is down as a whole is critical', async () => {
    const watch = teller(prom, { url: prometheus.url })
    expect((await watch.tell('targets')).step('targets').outcome).toBe('ok')
    const sample = watch.samples['targets']
    const since = sample?.value as Record<string, number>
    expect(Object.keys(since)).toHaveLength(3)
    const aged = Object.fromEntries(Object.entries(since).map(([id, at]) => [id, at - 360_000]))
    watch.samples = { ...watch.samples, targets: { at: sample?.at ?? 0, value: aged } }
    const told = await watch.tell('targets')
    expect(told.summaries('targets')).toEqual([
      expect.stringMatching(
        /^2 of 2 targets of the job dead cannot be scraped for 6 min.* \(limit 5 min\): /,
      ),
      expect.stringMatching(/^1 of 2 targets of the job half cannot be scraped .+: 127\.0\.0\.1:\d+$/),
    ])
    expect(told.step('targets').findings).toMatchObject([
      { key: 'dead', severity: 'critical' },
      {
        key: 'half',
        severity: 'warning',
        evidence: { lastError: expect.stringContaining('connection refused') },
      },
    ])
    expect(JSON.stringify(told.step('targets').findings)).not.toContain('/metrics')
  })

  test('a rule that cannot be evaluated is told', async () => {
    const told = await until('the rules were evaluated', async () => {
      const answer = await teller(prom, { url: prometheus.url }).tell('rules')
      return answer.step('rules').outcome === 'problem' && answer
    })
    expect(told.summaries('rules')).toEqual([
      'the recording rule platform/bad:many cannot be evaluated, so its series has gaps',
    ])
    expect(told.step('rules').findings).toMatchObject([
      { severity: 'warning', evidence: { lastError: expect.stringContaining('many-to-many matching') } },
    ])
  })

  test('alerts that fire are told, with the severity of their label', async () => {
    await until('they fire', async () => (await prometheus.seriesOf('ALERTS{alertname="TargetDown"}')) === 3)
    const watch = teller(prom, { url: prometheus.url }, { alerts: {} })
    expect((await watch.tell()).steps).toHaveProperty('alerts')
    expect((await teller(prom, { url: prometheus.url }).tell()).steps).not.toHaveProperty('alerts')
    const told = await watch.tell('alerts')
    expect(told.summaries('alerts').toSorted()).toEqual(
      dead.map((port) => `Prometheus alerts TargetDown: target 127.0.0.1:${port} is down`).toSorted(),
    )
    for (const finding of told.step('alerts').findings)
      expect(finding).toMatchObject({ severity: 'critical', advice: 'start it' })
    const mild = await teller(
      prom,
      { url: prometheus.url },
      { alerts: { critical: ['page'], ignore: [] } },
    ).tell('alerts')
    expect(mild.step('alerts').findings).toHaveLength(4)
    expect(mild.step('alerts').findings).toMatchObject([{ severity: 'warning' }, {}, {}, {}])
  })

  test('a server that hangs is one problem, told within 5 s, and well again when it goes on', async () => {
    const watch = teller(prom, { url: healthy.url })
    await freezeWhole(healthy)
    try {
      const start = performance.now()
      const told = await watch.tell()
      expect(performance.now() - start).toBeLessThan(5000)
      const problems = Object.values(told.steps).flatMap(({ findings }) => findings)
      expect(problems).toMatchObject([{ evidence: { kind: 'timeout-reply' } }])
    } finally {
      healthy.thaw()
    }
    expect((await watch.tell('up')).step('up').outcome).toBe('ok')
  })

  test('a server that is dead is one problem', async () => {
    const told = await teller(prom, { url: `http://127.0.0.1:${dead[0]}` }).tell()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'refused' } }])
    expect(told.step('rules').outcome).toBe('skipped')
  })

  test('increases of the counters of a real page are told', async () => {
    const url = `${healthy.url}/metrics`
    const watch = teller(prom, { scrape: [{ url, name: 'prometheus', match: 'http_requests_total' }] })
    await watch.tell()
    expect((await watch.tell()).summaries('scrape-increase')).toEqual([
      expect.stringMatching(
        /^prometheus_http_requests_total\{code="200", handler="\/metrics"\} of prometheus grew by [12] to \d+ in .+ \(limit 0\)$/,
      ),
    ])
    const quiet = teller(prom, { scrape: [{ url, match: 'prometheus_tsdb_wal_corruptions_total' }] })
    await quiet.tell()
    expect((await quiet.tell()).outcomes()).toEqual({ connect: 'ok', 'scrape-increase': 'ok' })
    await healthy.restart()
    expect((await watch.tell('scrape-increase')).step('scrape-increase').outcome).toBe('ok')
  })

  test('no secret is shown, and it goes where it should', async () => {
    await using other = await startHttpReceiver()
    other.answer({ status: 403, body: `no access with ${marker}` })
    const options = { url: other.url, token: marker }
    const told = await teller(prom, options).tell()
    expect(other.requests[0]?.headers['authorization']).toBe(`Bearer ${marker}`)
    for (const shown of [told, prom.options.parse(options)]) {
      expect(JSON.stringify(shown)).not.toContain(marker)
      expect(inspect(shown, { depth: 20 })).not.toContain(marker)
    }
    expect(told.step('connect').outcome).toBe('unknown')
  })
})
