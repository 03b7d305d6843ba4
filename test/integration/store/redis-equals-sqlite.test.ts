import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { memoryStore } from '../../../src/store/open.ts'
import { openTestLink, type TestLink } from '../../support/cluster/redis-link.ts'
import { describeWith } from '../../support/needs.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { allOf, perform, storeActs } from '../../support/store/acts.ts'
import { freshStores } from '../../support/store/redis-stores.ts'

describeWith(['redis'], 'the store over Redis beside that in SQLite', () => {
  let redis: Redis
  let link: TestLink
  beforeAll(async () => {
    redis = await startRedis()
    link = await openTestLink(redis)
  })
  afterAll(async () => {
    await link[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  it('answers the same to whatever is done to both', { timeout: 120_000 }, async () => {
    const open = freshStores(link)
    await fc.assert(
      fc.asyncProperty(storeActs, async (acts) => {
        await using sqlite = memoryStore()
        await using store = await open()
        for (const act of acts) {
          expect(await perform(store, act)).toEqual(await perform(sqlite, act))
          expect(await allOf(store)).toEqual(await allOf(sqlite))
        }
        expect(await leftovers(link, store.prefix)).toEqual([])
      }),
      { numRuns: 120 },
    )
  })
})

/** What an alarm leaves behind that is forgotten: fields that no alarm in the store accounts for. */
async function leftovers(link: TestLink, prefix: string): Promise<string[]> {
  const outbox = `${prefix}store:outbox:`
  const fields = async (name: string) => (await link.call('HKEYS', outbox + name)) as string[]
  const members = async (name: string) => (await link.call('ZRANGE', outbox + name, 0, -1)) as string[]
  const ids = new Set(await members('order'))
  const [open, sent, failed] = await Promise.all(['open', 'sent', 'failed'].map(fields))
  const states = [...(open ?? []), ...(sent ?? []), ...(failed ?? [])]
  const places = ((await link.call('HVALS', `${outbox}told`)) as string[]).flatMap((json) => JSON.parse(json))
  const told = places.map(([id]) => String(id))
  const settled = [...(sent ?? []), ...(failed ?? [])].sort()
  return [
    ...(states.length === ids.size && states.every((id) => ids.has(id)) ? [] : ['states']),
    ...(told.length === ids.size && told.every((id) => ids.has(id)) ? [] : ['told']),
    ...((await fields('alarm')).toSorted().join() === [...ids].toSorted().join() ? [] : ['alarm']),
    ...((await members('settled')).toSorted().join() === settled.join() ? [] : ['settled']),
  ]
}
