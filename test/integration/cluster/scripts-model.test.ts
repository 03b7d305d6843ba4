import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Reply, Request } from '../../../src/cluster/protocol.ts'
import { createCoordinator, guardFor, readRecords } from '../../../src/cluster/scripts/scripts.ts'
import type { Seat } from '../../../src/core/cluster.ts'
import type { Script } from '../../../src/core/redis-link.ts'
import { type CoordinatorModel, createModel, type Snapshot } from '../../support/cluster/coordinator-model.ts'
import { openTestLink, type TestLink } from '../../support/cluster/redis-link.ts'
import { Actors, actorKeys, eventful, histories, type Step } from '../../support/cluster/requests.ts'
import { fastTiming } from '../../support/cluster/timing.ts'
import { describeWith } from '../../support/needs.ts'
import { startRedis } from '../../support/servers/redis.ts'

const seats: readonly Seat[] = ['leader', 'node', 'shard:0', 'shard:1', 'shard:2']
const cluster = 'model'

describeWith(['redis'], 'the scripts of the coordinator and their model', () => {
  test('give the same replies to the same requests, whatever happens in between', {
    timeout: 120_000,
  }, async () => {
    await using redis = await startRedis()
    let wall = 0
    await using link = await openTestLink(redis, () => wall)
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(histories, async (steps) => {
        await link.call('FLUSHALL')
        wall = 1_800_000_000_000
        const both = sideBySide(link, () => wall)
        for (const step of steps) {
          if (step.type === 'pass') wall += step.ms
          for (const word of await both.take(step, (ms) => {
            wall += ms
          })) {
            seen.set(word, (seen.get(word) ?? 0) + 1)
          }
        }
        await both.compareRecords()
      }),
      { numRuns: 150, examples: [[eventful]] },
    )
    // Else the property would hold because nothing ever happened.
    for (const word of everything) expect(seen.get(word), word).toBeGreaterThan(0)
  })
})

const everything = [
  ...['joined', 'ticked', 'done', 'granted', 'taken', 'lost', 'may write', 'may not write', 'led', 'vacant'],
  ...['granted again', 'granted again, others later', 'released', 'not released', 'given up', 'other info'],
  ...['generation', 'session', 'duplicate', 'quarantine', 'inactive'],
]

/** The scripts and the model, asked the same; throws where they differ. */
function sideBySide(link: TestLink, wall: () => number) {
  const model = createModel(fastTiming)
  const actors = new Actors()
  let server = 'server-1'
  let saved: { redis: readonly Dumped[]; model: Snapshot } | null = null
  const coordinator = createCoordinator(link, { cluster, timing: fastTiming, server: () => server })
  let writer = { key: '', session: 0, generation: '', server: '' }
  const guard = guardFor(cluster, () => writer)

  async function ask(request: Request): Promise<Reply> {
    const expected = model.call(request, wall(), server)
    const reply = await coordinator.call(request, 20_000)
    expect(reply, JSON.stringify(request)).toEqual(expected)
    return reply
  }

  async function compareGuards(): Promise<readonly string[]> {
    const words: string[] = []
    for (const [index, key] of actorKeys.entries()) {
      const { session, generation } = actors.known(index)
      writer = { key, session, generation, server }
      const seat = seats[(index + session) % seats.length] ?? 'leader'
      const epoch = seat === 'node' ? session : (model.holder(seat)?.epoch ?? session)
      const mayWrite = model.holds({ key, session, generation, seat, epoch }, wall(), server)
      const reply = await link.run(guardScript(guard.lua), guard.keys, guard.args({ epoch, seat }))
      expect(reply === 'may write', `${key} ${seat} ${reply}`).toBe(mayWrite)
      words.push(mayWrite ? 'may write' : 'may not write')
    }
    return words
  }

  return {
    async take(step: Step, pass: (ms: number) => void): Promise<readonly string[]> {
      switch (step.type) {
        case 'pass':
          return []
        case 'ask': {
          const request = actors.request(step.actor, step.what)
          const before = heldBy(model, request.key)
          const reply = await ask(request)
          actors.hear(step.actor, reply)
          const given = givenUp(request, reply, before, heldBy(model, request.key))
          return [...wordsOf(reply, model), ...given, ...(await compareGuards())]
        }
        case 'live': {
          for (let beat = 0; beat < step.beats; beat++) {
            pass(250)
            for (const actor of step.actors) {
              const tick = { type: 'tick', spent: 'nothing', vitals: '', config: '', knows: 'all' } as const
              actors.hear(actor, await ask(actors.request(actor, tick)))
            }
          }
          return []
        }
        case 'flush':
          model.flush()
          await link.call('FLUSHALL')
          return []
        case 'restart':
          server = `server-${Number(server.split('-')[1]) + 1}`
          return []
        case 'snapshot':
          saved = { redis: await dump(link), model: model.snapshot() }
          return []
        case 'rollback':
          if (saved) {
            model.rollback(saved.model)
            await restore(link, saved.redis)
          }
          return []
      }
    },
    async compareRecords(): Promise<void> {
      const records = await readRecords(link, cluster)
      const leader = model.holder('leader')
      expect(records.changes).toEqual(model.changes())
      expect(new Map(records.lost.map(({ name, ...rest }) => [name, rest]))).toEqual(model.lost())
      // Without a request in between, neither has moved its clock since the last one but by what passed then.
      if (records.leader) expect(records.leader).toEqual({ name: leader?.name, epoch: leader?.epoch })
      for (const [seat, name] of Object.entries(records.owners)) expect(name).toBe(model.holder(seat)?.name)
    },
  }
}

function wordsOf(reply: Reply, model: CoordinatorModel): readonly string[] {
  if (reply.type === 'refused') return [reply.why]
  if (reply.type === 'claimed') {
    const isFree = reply.refused.some(({ holder }) => holder === '')
    return [
      ...(reply.granted.length > 0 ? ['granted'] : []),
      ...(reply.refused.some(({ holder }) => holder !== '') ? ['taken'] : []),
      ...(reply.quarantine > 0 ? [isFree ? 'granted again, others later' : 'granted again'] : []),
    ]
  }
  if (reply.type === 'done') return ['done']
  return [
    ...[reply.type, reply.leader ? 'led' : 'vacant'],
    ...(model.lost().size > 0 ? ['lost'] : []),
    ...(reply.members?.some(({ config }) => config === 'def') ? ['other info'] : []),
  ]
}

function heldBy(model: CoordinatorModel, key: string): readonly Seat[] {
  return seats.filter((seat) => model.holder(seat)?.key === key)
}

function givenUp(
  request: Request,
  reply: Reply,
  before: readonly Seat[],
  after: readonly Seat[],
): readonly string[] {
  if (reply.type === 'ticked')
    return before.includes('leader') && !after.includes('leader') ? ['given up'] : []
  if (request.type !== 'release' || !before.some((seat) => request.seats.includes(seat))) return []
  return [after.length < before.length ? 'released' : 'not released']
}

function guardScript(lua: string): Script {
  return { lua: `${lua}\nreturn guard(KEYS, ARGV, 0) or 'may write'`, sha: '' }
}

type Dumped = readonly [key: string, value: Buffer]

async function dump(link: TestLink): Promise<readonly Dumped[]> {
  const keys = (await link.call('KEYS', '*')) as readonly string[]
  return Promise.all(keys.map(async (key) => [key, await link.dump(key)] as const))
}

async function restore(link: TestLink, dumped: readonly Dumped[]): Promise<void> {
  await link.call('FLUSHALL')
  for (const [key, value] of dumped) await link.restore(key, value)
}
