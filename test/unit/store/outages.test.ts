import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noOutageYet, type OutageAct, outageActs } from '../../support/store/outage-acts.ts'
import { type OutageNode, outageCluster } from '../../support/store/outages.ts'

/** How many histories are tried; more of them with `HEALTHZ_MODEL_RUNS`. */
const numRuns = Number(process.env['HEALTHZ_MODEL_RUNS'] ?? 100)

describe('a problem that comes back in the outage in which it went', () => {
  it('is told as raised, over and raised anew, and is not taken back when Redis is there again', async () => {
    await using cluster = outageCluster()
    const a = cluster.join('a')
    await a.tellAndSend('problem', 100)
    await a.loseRedis()
    await a.tellAndSend('ok', 200)
    await a.tellAndSend('problem', 300)
    await a.findRedis()
    expect(await cluster.raised()).toBe(300)
    expect(await cluster.waiting()).toEqual([])

    await a.tellAndSend('ok', 400)
    expect(cluster.heard()).toEqual([
      'a: raised 100',
      'a: recovered 100',
      'a: raised 300',
      'a: recovered 300',
    ])
    expect(await cluster.raised()).toBeNull()
    expect(await cluster.waiting()).toEqual([])
  })

  it.each<[string, (a: OutageNode) => Promise<void>]>([
    [
      'heard of it before the outage',
      async (a) => {
        await a.tellAndSend('problem', 100)
        await a.loseRedis()
      },
    ],
    [
      'heard of it in the outage',
      async (a) => {
        await a.loseRedis()
        await a.tellAndSend('problem', 100)
      },
    ],
    [
      'have heard nothing of it yet',
      async (a) => {
        await a.loseRedis()
        await a.tell('problem', 100)
      },
    ],
  ])('is told as over and raised anew once Redis is back, where people %s', async (_, begin) => {
    await using cluster = outageCluster()
    const a = cluster.join('a')
    await begin(a)
    await a.tell('ok', 200)
    await a.tell('problem', 300)
    await a.findRedis()
    expect(await cluster.raised()).toBe(300)

    await a.send()
    expect(cluster.heard()).toEqual(['a: raised 100', 'a: recovered 100', 'a: raised 300'])
    expect(await cluster.waiting()).toEqual([])
  })
})

describe('a problem that two nodes raise in one outage', () => {
  it.each(['a', 'b'])(
    'is told once, and waits nowhere for the next outage, where %s is back first',
    async (first) => {
      await using cluster = outageCluster()
      const [a, b] = [cluster.join('a'), cluster.join('b')]
      for (const node of [a, b]) await node.loseRedis()
      await b.tell('problem', 100)
      await a.tellAndSend('problem', 200)
      for (const node of first === 'a' ? [a, b] : [b, a]) await node.findRedis()
      await a.tellAndSend('ok', 300)
      expect(cluster.heard()).toEqual(['a: raised 200', 'a: recovered 200'])
      expect(await cluster.waiting()).toEqual([])
    },
  )
})

describe('the voice of an outage', () => {
  it('tells each spell of a problem that another node hands over, and the end of each', async () => {
    await using cluster = outageCluster()
    const [a, voice] = [cluster.join('a'), cluster.join('voice')]
    for (const node of [a, voice]) await node.loseRedis()
    for (const [outcome, at] of [
      ['problem', 100] as const,
      ['ok', 200] as const,
      ['problem', 300] as const,
    ]) {
      await a.tell(outcome, at)
      await a.handOver(voice)
      await voice.send()
      await a.handOver(voice)
    }
    expect(cluster.heard()).toEqual(['voice: raised 100', 'voice: recovered 100', 'voice: raised 300'])
    expect(await cluster.waiting()).toEqual([])

    await a.tell('ok', 400)
    await a.handOver(voice)
    for (const node of [a, voice]) await node.findRedis()
    expect(await cluster.raised()).toBeNull()
    await a.send()
    expect(cluster.heard().slice(3)).toEqual(['a: recovered 300'])
    expect(await cluster.waiting()).toEqual([])
  })

  it('sends the second spell of a problem though it has not learnt that another node ended the first', async () => {
    await using cluster = outageCluster()
    const [a, b] = [cluster.join('a'), cluster.join('b')]
    await a.tellAndSend('problem', 100)
    await b.learn()
    await b.tellAndSend('ok', 200)
    await a.tell('problem', 300)
    for (const node of [a, b]) await node.loseRedis()
    await a.send()
    expect(cluster.heard()).toEqual(['a: raised 100', 'b: recovered 100', 'a: raised 300'])

    for (const node of [a, b]) await node.findRedis()
    expect(await cluster.raised()).toBe(300)
    expect(await cluster.waiting()).toEqual([])
  })

  it('declines what another node raised of a problem that people have heard of: they hear of one spell', async () => {
    await using cluster = outageCluster()
    const [voice, c] = [cluster.join('voice'), cluster.join('c')]
    for (const node of [voice, c]) await node.loseRedis()
    await voice.tellAndSend('problem', 100)
    await c.tell('problem', 150)
    await c.handOver(voice)
    for (const node of [c, voice]) await node.findRedis()
    expect(await cluster.raised()).toBe(100)

    await c.tellAndSend('ok', 200)
    expect(cluster.heard()).toEqual(['voice: raised 100', 'c: recovered 100'])
    expect(await cluster.raised()).toBeNull()
    expect(await cluster.waiting()).toEqual([])
  })
})

describe('a node that was cut off alone', () => {
  it('adds the whole of a spell that was over before the one that people hear of began', async () => {
    await using cluster = outageCluster()
    const [a, b] = [cluster.join('a'), cluster.join('b')]
    await a.loseRedis()
    await a.tell('problem', 100)
    await a.tell('ok', 200)
    await b.tell('problem', 300)
    await b.tell('ok', 400)
    await a.findRedis()
    expect(await cluster.raised()).toBeNull()

    await b.send()
    expect(cluster.heard()).toEqual([
      'b: raised 300',
      'b: recovered 300',
      'b: raised 100',
      'b: recovered 100',
    ])
    expect(await cluster.waiting()).toEqual([])
  })

  it('has people told of the end of what it told them, though another spell is raised now', async () => {
    await using cluster = outageCluster()
    const [a, b] = [cluster.join('a'), cluster.join('b')]
    await a.loseRedis()
    await a.tellAndSend('problem', 100)
    await a.tell('ok', 200)
    await b.tell('problem', 150)
    await a.findRedis()
    expect(await cluster.raised()).toBe(150)

    await b.send()
    expect(cluster.heard()).toEqual(['a: raised 100', 'b: raised 150', 'b: recovered 100'])
    expect(await cluster.waiting()).toEqual([])
  })

  it('does not bring back a spell that the others have ended: people hear of the next one', async () => {
    await using cluster = outageCluster()
    const [a, b] = [cluster.join('a'), cluster.join('b')]
    await a.tellAndSend('problem', 100)
    await a.loseRedis()
    await b.tellAndSend('ok', 200)
    await a.tell('problem', 250)
    await a.findRedis()
    expect(await cluster.raised()).toBeNull()
    expect(await cluster.waiting()).toEqual([])

    await a.tellAndSend('problem', 300)
    expect(cluster.heard()).toEqual(['a: raised 100', 'b: recovered 100', 'a: raised 300'])
    expect(await cluster.raised()).toBe(300)
    expect(await cluster.waiting()).toEqual([])
  })

  it('does not put the spell that it knows in place of the one that the others have raised since', async () => {
    await using cluster = outageCluster()
    const [a, b] = [cluster.join('a'), cluster.join('b')]
    await a.tellAndSend('problem', 100)
    await a.learn()
    await a.loseRedis()
    await b.tellAndSend('ok', 200)
    await b.tell('problem', 300)
    await a.findRedis()
    expect(await cluster.raised()).toBe(300)

    await b.send()
    expect(cluster.heard()).toEqual(['a: raised 100', 'b: recovered 100', 'b: raised 300'])
    expect(await cluster.waiting()).toEqual([])
  })
})

describe('a journal', () => {
  it('keeps the end that waits and the spell after it, so that an emptied Redis loses neither', async () => {
    await using cluster = outageCluster()
    const a = cluster.join('a')
    await a.tellAndSend('problem', 100)
    await a.tell('ok', 200)
    await a.tell('problem', 300)
    await a.learn()
    await cluster.emptyRedis()
    await a.findRedis()
    expect(await cluster.raised()).toBe(300)

    await a.send()
    expect(cluster.heard()).toEqual(['a: raised 100', 'a: recovered 100', 'a: raised 300'])
    expect(await cluster.waiting()).toEqual([])
  })

  it('gives up what the channel refused to another node: people hear nothing of it after the next outage', async () => {
    await using cluster = outageCluster()
    const [a, b] = [cluster.join('a'), cluster.join('b')]
    await a.tell('problem', 100)
    await b.giveUp()
    await a.tell('ok', 200)
    await a.giveUp()
    await cluster.prune()
    expect(await cluster.waiting()).toEqual([])

    for (const node of [a, b]) await node.loseRedis()
    for (const node of [a, b]) await node.send()
    for (const node of [a, b]) await node.findRedis()
    await b.send()
    expect(cluster.heard()).toEqual([])
    expect(await cluster.raised()).toBeNull()
    expect(await cluster.waiting()).toEqual([])
  })
})

describe('outages with one voice, after which Redis has what it had', { timeout: 120_000 }, () => {
  const settlings = ['as it is', 'turned', 'and back']

  it('leave one spell open for people while the problem lasts, and none once it is over', async () => {
    const history = fc.asyncProperty(outageActs, async (acts) => {
      await using outages = noOutageYet()
      for (const act of acts) await outages.perform(act)
      for (const settling of settlings) {
        await outages.settle()
        expect(outages.cluster.open(), settling).toHaveLength(outages.hasProblem ? 1 : 0)
        await outages.perform({ type: 'turns' })
      }
    })
    await fc.assert(history, { numRuns })
  })

  it('leave nothing that waits, where the journals learn at once what the others wrote', async () => {
    const found: OutageAct = { type: 'finds', order: [0, 1, 2] }
    const learned = found.order.map((nth): OutageAct => ({ type: 'learns', nth }))
    const history = fc.asyncProperty(outageActs, async (acts) => {
      await using outages = noOutageYet()
      for (const act of [...acts, found]) {
        await outages.perform(act)
        if (act.type === 'finds') for (const learns of learned) await outages.perform(learns)
      }
      await outages.settle()
      expect(await outages.cluster.waiting()).toEqual([])
    })
    await fc.assert(history, { numRuns })
  })
})
