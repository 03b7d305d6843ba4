import { expect, test } from 'vitest'
import prom from '../../../../stories/prom/index.ts'
import { type RecordedAnswer, startRecordedHttp } from '../../../support/servers/recorded-http.ts'
import { teller } from '../../../support/teller.ts'

/** A page of the transfer that the original watched. */
function page(values: Readonly<Record<string, number>>, started = 1): RecordedAnswer {
  const lines = Object.entries(values).map(([name, value]) => `transfer_pipeline_${name} ${value}`)
  return { body: [`process_start_time_seconds ${started}`, 'others_total 5', ...lines, ''].join('\n') }
}

async function watching(first: RecordedAnswer, more: Record<string, unknown> = {}) {
  const answers: Record<string, RecordedAnswer> = { '/metrics': first }
  const server = await startRecordedHttp({ answers })
  const scrape = [{ url: `${server.url}/metrics`, name: 'transfer', ...more }]
  const watch = teller(prom, { scrape })
  await watch.tell()
  return {
    async tell(next: RecordedAnswer) {
      answers['/metrics'] = next
      return watch.tell('scrape-increase')
    },
    server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

test('what grew is told with how much, and by its kind with what it means', async () => {
  const before = {
    backend_dropped_total: 5,
    'processor_dropped_total{id="1001"}': 7,
    frontend_dropped_total: 1,
  }
  await using watch = await watching(page(before), { critical: ['transfer_pipeline_backend'] })
  const told = await watch.tell(
    page({ backend_dropped_total: 8, 'processor_dropped_total{id="1001"}': 9, frontend_dropped_total: 1 }),
  )
  expect(told.summaries('scrape-increase')).toEqual([
    expect.stringMatching(
      /^transfer_pipeline_backend_dropped_total of transfer grew by 3 to 8 in .+ \(limit 0\)$/,
    ),
    expect.stringMatching(
      /^transfer_pipeline_processor_dropped_total\{id="1001"\} of transfer grew by 2 to 9 /,
    ),
  ])
  expect(told.step('scrape-increase').findings).toMatchObject([
    { severity: 'critical', confirm: 1, advice: { template: expect.stringContaining('into the storage') } },
    {
      severity: 'warning',
      confirm: 1,
      advice: { template: expect.stringContaining('while it is worked on') },
    },
  ])
})

test('a restart of the target is no loss, although its counters differ', async () => {
  await using watch = await watching(page({ backend_dropped_total: 500 }))
  expect((await watch.tell(page({ backend_dropped_total: 3 }))).step('scrape-increase').outcome).toBe('ok')
  expect((await watch.tell(page({ backend_dropped_total: 900 }, 2))).step('scrape-increase').outcome).toBe(
    'ok',
  )
  expect((await watch.tell(page({ backend_dropped_total: 901 }, 2))).step('scrape-increase').outcome).toBe(
    'problem',
  )
})

test('a counter that is new is where counting begins', async () => {
  await using watch = await watching(page({ backend_dropped_total: 5 }))
  const more = { backend_dropped_total: 5, 'backend_dropped_total{id="2"}': 100 }
  expect((await watch.tell(page(more))).step('scrape-increase').outcome).toBe('ok')
})

test('an increase within "delta" is fine, and a telling does not wait for the next', async () => {
  await using watch = await watching(page({ backend_dropped_total: 5 }), { delta: 10 })
  expect((await watch.tell(page({ backend_dropped_total: 15 }))).step('scrape-increase').outcome).toBe('ok')
  expect((await watch.tell(page({ backend_dropped_total: 26 }))).step('scrape-increase').outcome).toBe(
    'problem',
  )
})

test('what cannot be read is unknown, and never ok', async () => {
  await using watch = await watching(page({ backend_dropped_total: 5 }))
  const reasons = []
  for (const answer of [{ body: '<html>' }, { status: 500 }, { body: 'others_total 5\n' }]) {
    const told = await watch.tell(answer)
    expect(told.step('scrape-increase')).toMatchObject({ outcome: 'unknown', findings: [] })
    reasons.push(told.reason('scrape-increase'))
  }
  expect(reasons).toEqual([
    'the page of transfer is no page of metrics',
    'transfer answered with HTTP status 500',
    'transfer has no counter with "_dropped_" in its name',
  ])
  await watch.server.down()
  const gone = await watch.tell({})
  expect(gone.step('scrape-increase').findings).toMatchObject([
    { key: 'transfer', evidence: { kind: 'refused' } },
  ])
})
