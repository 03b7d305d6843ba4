import { ConnectionFailure, type Cure, count, DidNotHelp, say } from 'healthz'
import { isRedbeat, type Options, scheduleKey } from './options.ts'
import { type Store, step, storeOf } from './target.ts'

const removeTitle = say`remove entries without a definition from the schedule, as RedBeat does when they are due`

/** Every entry of the schedule has its definition. */
export const ghost = step({
  title: say`every entry of the schedule has its definition`,
  on: isRedbeat,
  confirm: 3,
  cures: [{ title: removeTitle, consent: 'ask' }],
  async check({ target, options, problem }) {
    const store = storeOf(target)
    const ghosts = (await store.schedule()).entries.filter(({ definition }) => definition === null)
    if (ghosts.length === 0) return
    const names = ghosts.map(({ key }) => nameOf(key, options))
    problem({
      severity: 'warning',
      summary: say`${count(ghosts.length, 'entry', 'entries')} of the schedule lost the definition and will never run again: ${names.slice(0, mostNamed)}`,
      advice: say`save these tasks again from the application; if nobody deleted them, see whether the Redis evicts keys`,
      evidence: { ghosts: ghosts.length, names: names.slice(0, mostNamed).join(', ') },
      resolve: remove(
        store,
        ghosts.map(({ key }) => key),
        options,
      ),
    })
  },
})

const mostNamed = 20

const nameOf = (key: string, { prefix }: Options) => (key.startsWith(prefix) ? key.slice(prefix.length) : key)

function remove(store: Store, keys: readonly string[], options: Options): Cure {
  return {
    title: removeTitle,
    consent: 'ask',
    target: `${store.address} ${scheduleKey(options)}`,
    async run() {
      for (const key of keys) {
        if (Number(await store.call('HEXISTS', key, 'definition')) === 1) continue
        await zrem(store, options, key)
      }
    },
  }
}

async function zrem(store: Store, options: Options, key: string): Promise<void> {
  try {
    await store.call('ZREM', scheduleKey(options), key)
  } catch (error) {
    if (error instanceof ConnectionFailure && error.kind === 'not-allowed')
      throw new DidNotHelp(error.summary)
    throw error
  }
}
