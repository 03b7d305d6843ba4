import { afterAll, describe, expect, test } from 'vitest'
import elasticsearch from '../../../../stories/elasticsearch/index.ts'
import { type SearchAnswers, startSearchFake } from '../../../support/servers/search-fake.ts'
import { teller } from '../../../support/teller.ts'

/** As the documentation of each product shows them: the distributions that the tests use lack these modules. */
const stuckIlm = {
  indices: {
    'logs-000003': {
      index: 'logs-000003',
      managed: true,
      policy: 'logs',
      phase: 'hot',
      action: 'rollover',
      step: 'ERROR',
      failed_step: 'check-rollover-ready',
      is_auto_retryable_error: true,
      step_info: { type: 'illegal_argument_exception', reason: 'index.lifecycle.rollover_alias is empty' },
    },
  },
}
const stuckIsm = {
  'logs-000003': {
    'index.plugins.index_state_management.policy_id': 'logs',
    index: 'logs-000003',
    index_uuid: 'uuid',
    policy_id: 'logs',
    enabled: true,
    state: { name: 'hot', start_time: 1 },
    action: { name: 'rollover', index: 0, failed: true, consumed_retries: 3 },
    step: { name: 'attempt_rollover', step_status: 'failed' },
    retry_info: { failed: true, consumed_retries: 3 },
    info: { message: 'Missing rollover_alias' },
  },
  'logs-000004': {
    index: 'logs-000004',
    policy_id: 'logs',
    enabled: true,
    action: { name: 'rollover', failed: false },
    retry_info: { failed: false, consumed_retries: 0 },
  },
  'free-1': { index: 'free-1', policy_id: null, enabled: null },
  total_managed_indices: 2,
}

describe('the lifecycle of indices', () => {
  const open = new AsyncDisposableStack()
  afterAll(() => open.disposeAsync())

  const fakeOf = async (product: 'elasticsearch' | 'opensearch', answers: SearchAnswers) => {
    const fake = open.use(
      await startSearchFake(product, product === 'opensearch' ? '2.19.1' : '8.19.0', answers),
    )
    const watched = (options: object = {}, steps = {}) =>
      teller(elasticsearch, { nodes: [fake.url], ...options }, steps)
    return { fake, watched }
  }

  test('ILM that runs without a fault is fine, and asked once an hour only', async () => {
    const { fake, watched } = await fakeOf('elasticsearch', {
      '/_ilm/status': { operation_mode: 'RUNNING' },
      '/*/_ilm/explain': { indices: {} },
    })
    const again = watched()
    expect((await again.tell('ilm')).step('ilm').outcome).toBe('ok')
    const asked = fake.requests.filter((request) => request.includes('_ilm')).length
    expect((await again.tell('ilm')).step('ilm').outcome).toBe('ok')
    expect(fake.requests.filter((request) => request.includes('_ilm'))).toHaveLength(asked)
  })

  test('ILM that was stopped, and an index that is stuck, are told; a retry waits for consent', async () => {
    const { fake, watched } = await fakeOf('elasticsearch', {
      '/_ilm/status': { operation_mode: 'STOPPED' },
      '/*/_ilm/explain': stuckIlm,
      '/logs-000003/_ilm/retry': { acknowledged: true },
    })
    const told = await watched().tell('ilm')
    expect(told.summaries('ilm')).toEqual([
      'the lifecycle policies are switched off (STOPPED): no index rolls over or is deleted',
      'the lifecycle of logs-000003 is stuck: check-rollover-ready of the policy logs failed',
    ])
    expect(told.step('ilm').findings[1]).toMatchObject({ key: 'logs-000003', cure: { consent: 'ask' } })
    await told.cure('ilm/logs-000003')
    expect(fake.requests.at(-1)).toBe('POST /logs-000003/_ilm/retry')
  })

  test('ISM of OpenSearch: an index whose action failed is told, others are not', async () => {
    const { fake, watched } = await fakeOf('opensearch', {
      '/_plugins/_ism/explain/*': stuckIsm,
      '/_plugins/_ism/retry/logs-000003': { updated_indices: 1, failures: false },
    })
    const told = await watched().tell('ilm')
    expect(told.summaries('ilm')).toEqual([
      'the lifecycle of logs-000003 is stuck: rollover of the policy logs failed',
    ])
    await told.cure('ilm/logs-000003')
    expect(fake.requests.at(-1)).toBe('POST /_plugins/_ism/retry/logs-000003')
  })

  test('an answer of another form is unknown, not ok and not an error of the step', async () => {
    const { watched } = await fakeOf('elasticsearch', { '/_ilm/status': { mode: 1 } })
    const told = await watched().tell('ilm')
    expect(told.step('ilm').outcome).toBe('unknown')
    expect(told.reason('ilm')).toBe('the cluster gave an answer of another form')
  })

  const hour = 3_600_000
  const [fresh, old] = [Date.now() - hour, Date.now() - 50 * hour]

  test.each([
    [fresh, undefined, []],
    [
      old,
      undefined,
      ['the last snapshot of the snapshot policy nightly that succeeded is 2 d 2 h old (limit 2 d)'],
    ],
    [undefined, fresh, ['the latest snapshot of the snapshot policy nightly failed']],
  ])('SLM: last success %s, last failure %s', async (good, bad, summaries) => {
    const { watched } = await fakeOf('elasticsearch', {
      '/_slm/policy/nightly': {
        nightly: {
          version: 1,
          policy: { repository: 'backup' },
          ...(good && { last_success: { snapshot_name: 's', time: good } }),
          ...(bad && { last_failure: { snapshot_name: 's', time: bad, details: 'secret' } }),
        },
      },
    })
    expect((await watched({ policies: ['nightly'] }).tell('snapshot')).summaries('snapshot')).toEqual(
      summaries,
    )
  })

  test.each([
    [{ status: 'SUCCESS', end_time: fresh }, 'ok', ''],
    [{ status: 'SUCCESS', end_time: old }, 'problem', ''],
    [{ status: 'FAILED', end_time: fresh }, 'problem', ''],
    [{ status: 'IN_PROGRESS' }, 'unknown', 'the latest snapshot of the policy nightly has not ended yet'],
  ])('SM of OpenSearch: a latest execution %o is %s', async (latest_execution, outcome, reason) => {
    const { watched } = await fakeOf('opensearch', {
      '/_plugins/_sm/policies/nightly/_explain': {
        policies: [{ name: 'nightly', creation: { current_state: 'X', latest_execution }, enabled: true }],
      },
    })
    const told = await watched({ policies: ['nightly'] }).tell('snapshot')
    expect(told.step('snapshot').outcome).toBe(outcome)
    expect(told.reason('snapshot')).toBe(reason)
  })

  test('a policy that is not there is told', async () => {
    const { watched } = await fakeOf('elasticsearch', {})
    expect((await watched({ policies: ['nightly'] }).tell('snapshot')).summaries('snapshot')).toEqual([
      'the snapshot policy nightly is not there',
    ])
  })
})
