import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import redisStory from '../../../stories/redis/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { freePort } from '../../support/servers/ports.ts'
import type { Redis } from '../../support/servers/redis.ts'
import { type SentinelGroup, startSentinel } from '../../support/servers/redis-sentinel.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

const onServers = 'on each server'
const onSentinels = 'mode: sentinel'

/** A server that is started again has forgotten it. */
async function allow({ cli }: Pick<Redis, 'cli'>, rights: string): Promise<void> {
  for (const command of rightsOf(redisStory.guide, marker, rights)) await cli(...wordsOf(command))
}

describeWith(['redis', 'redis-sentinel'], 'redis: with sentinels', () => {
  let group: SentinelGroup
  beforeAll(async () => {
    group = await startSentinel()
    for (const each of group.redises) await allow(each, onServers)
    for (const each of group.sentinels) await allow(each, onSentinels)
  })
  afterAll(() => group[Symbol.asyncDispose]())

  const at = (more: object = {}) => ({
    ...{ mode: 'sentinel', user: 'healthz', password: marker },
    ...{ sentinelUser: 'healthz', sentinelPassword: marker },
    sentinels: group.sentinels.map(({ port }) => `redis://127.0.0.1:${port}`),
    ...more,
  })
  /** How long the sentinels wait for a master that says nothing. */
  const patience = async (ms: number) => {
    for (const { cli } of group.sentinels)
      await cli('sentinel', 'set', group.name, 'down-after-milliseconds', ms)
  }
  const atOnce = { replication: { grace: '0s', linkDown: '0s' } }

  test('the master that they name is told of, with the documented rights and no more', async () => {
    const told = await teller(redisStory, at(), atOnce).tell()
    expect(outcomesBut('ok', told)).toEqual([])
    const notes = JSON.stringify(told.step('replication').notes)
    for (const { port } of group.redises) expect(notes).toContain(`127.0.0.1:${port}`)
    expect(inspect(told, { depth: 12 })).not.toContain(marker)
  })

  test('the right that is missing is named', async () => {
    const rights = '+ping +info +sentinel|get-master-addr-by-name'.split(' ')
    for (const { cli } of group.sentinels)
      await cli('acl', 'setuser', 'poor', 'on', `>${marker}`, '-@all', ...rights)
    const told = await teller(redisStory, at({ sentinelUser: 'poor' })).tell('sentinel')
    expect(told.step('sentinel').outcome).toBe('unknown')
    expect(told.reason('sentinel')).toMatch(/the user poor lacks the right \+sentinel\|(master|replicas)/)
    expect(
      (await teller(redisStory, at({ sentinelUser: 'poor' })).tell('memory')).step('memory').outcome,
    ).toBe('ok')
  })

  test('a name that no sentinel knows, and sentinels that are not there, are one problem', async () => {
    const unknown = await teller(redisStory, at({ master: 'other' })).tell()
    expect(unknown.summaries('connect')).toEqual([
      expect.stringContaining('the sentinel watches no master named other'),
    ])
    const port = await freePort()
    const gone = await teller(redisStory, at({ sentinels: [`redis://127.0.0.1:${port}`] })).tell()
    expect(gone.summaries('connect')).toEqual([`nothing listens on 127.0.0.1:${port}`])
    expect(new Set(Object.values(gone.steps).map(({ outcome }) => outcome))).toEqual(
      new Set(['problem', 'skipped']),
    )
  })

  test('keys are looked for in the database that is named', async () => {
    const [first] = group.redises
    await first.cli('eval', `redis.call('select', 1) return redis.call('rpush', 'jobs', 1, 2, 3)`, 0)
    const lengthIn = async (database: number) => {
      const plain = { user: undefined, password: undefined, database, keys: [{ key: 'jobs', max: 2 }] }
      return (await teller(redisStory, at(plain)).tell('key-length')).step('key-length').outcome
    }
    expect([await lengthIn(0), await lengthIn(1)]).toEqual(['ok', 'problem'])
  })

  test('a sentinel that was not there at all is missed', async () => {
    const told = await teller(redisStory, at({ expectSentinels: 5 })).tell('sentinel')
    expect(told.summaries('sentinel')).toEqual(['3 of 5 sentinels watch mymaster'])
  })

  test('a replica that is down is told, and that there is no other', async () => {
    const [, replica] = group.redises
    const watch = teller(redisStory, at())
    replica.freeze()
    const told = await problemOf(watch)
    expect(told.step('sentinel').findings).toMatchObject([
      { key: `replica 127.0.0.1:${replica.port}`, severity: 'critical' },
    ])
    expect(told.summaries('sentinel')[0]).toContain('there is no other that could become the master')
    replica.thaw()
    await wellAgain(watch)
  })

  test('a sentinel that was held up is in TILT and in doubt, although it claims a quorum', async () => {
    const watch = teller(redisStory, at())
    const [held] = group.sentinels
    held?.freeze()
    const dead = await problemOf(watch)
    expect(dead.step('sentinel').findings[0]).toMatchObject({
      key: `sentinel 127.0.0.1:${held?.port}`,
      severity: 'warning',
      evidence: { kind: 'timeout-reply' },
    })
    held?.thaw()
    const told = await until('it is in TILT', async () => {
      const each = await watch.tell('sentinel')
      return each.steps['sentinel']?.findings.some(({ key }) => key.startsWith('tilt ')) && each
    })
    expect(told.summaries('sentinel')).toContain(
      `the sentinel 127.0.0.1:${held?.port} is in TILT: it watches, but acts on nothing`,
    )
    expect(String(await held?.cli('sentinel', 'ckquorum', 'mymaster'))).toMatch(/^OK/)
    // A sentinel is calm again 30 s later, or at once when it is started anew.
    await held?.restart()
    if (held) await allow(held, onSentinels)
    await wellAgain(watch)
  })

  test('a master that fails is replaced, and followed; without a majority of sentinels it cannot be', async () => {
    const [first, second] = group.redises
    const watch = teller(redisStory, at())
    await until('the master can be replaced', async () => {
      const told = await watch.tell('sentinel')
      return told.step('sentinel').outcome === 'ok'
    })
    await patience(60_000)
    await first.kill()
    const dead = await watch.tell()
    expect(dead.step('connect').findings[0]).toMatchObject({
      severity: 'critical',
      evidence: { kind: 'refused' },
    })
    expect(dead.step('memory').outcome).toBe('skipped')
    await patience(500)
    await until('the replica is the master', async () => (await group.master()) === second)
    const after = await until('the new master is told of', async () => {
      const told = await watch.tell()
      const keys = told.step('sentinel').findings.map(({ key }) => key)
      return (
        told.step('connect').outcome === 'ok' && keys.join() === `replica 127.0.0.1:${first.port}` && told
      )
    })
    expect(after.step('roles').outcome).toBe('ok')
    await first.restart()
    await allow(first, onServers)
    await wellAgain(watch)

    for (const each of group.sentinels.slice(1)) await each.kill()
    const alone = await until('the last one knows that it is alone', async () => {
      const told = await watch.tell('sentinel')
      return told.step('sentinel').findings.some(({ key }) => key === 'quorum') && told
    })
    expect(alone.step('sentinel').findings.find(({ key }) => key === 'quorum')?.severity).toBe('critical')
    expect(alone.summaries('sentinel')[0]).toBe(
      `the master mymaster cannot be replaced if it fails: too few sentinels hear each other (as 127.0.0.1:${group.sentinels[0]?.port} tell)`,
    )
    expect(alone.step('sentinel').findings.map(({ key }) => key)).toEqual([
      'quorum',
      ...group.sentinels.slice(1).map(({ port }) => `sentinel 127.0.0.1:${port}`),
    ])
    // Which is seen too where the master has gone then.
    await second.kill()
    const both = await watch.tell()
    expect(both.step('connect').outcome).toBe('problem')
    expect(both.step('sentinel').findings.map(({ key }) => key)).toContain('quorum')
  })
})

type Watch = { tell(...only: string[]): Promise<Told> }

function problemOf(watch: Watch): Promise<Told> {
  return until('it is a problem', async () => {
    const told = await watch.tell('sentinel')
    return told.step('sentinel').outcome === 'problem' && told
  })
}

async function wellAgain(watch: Watch): Promise<void> {
  await until(
    'all is well again',
    async () => (await watch.tell('sentinel')).step('sentinel').outcome === 'ok',
    {
      deadline: 15_000,
    },
  )
}

function outcomesBut(outcome: string, told: Told): string[] {
  return Object.values(told.steps).flatMap((report) =>
    report.outcome === outcome ? [] : [`${report.step} ${report.outcome}`],
  )
}
