import fc from 'fast-check'
import { type OutageCluster, outageCluster } from './outages.ts'

/** What may happen while three nodes, `a`, `b` and `c`, watch and one voice speaks for them. */
export type OutageAct =
  | { readonly type: 'turns' | 'round' | 'sends' }
  | { readonly type: 'owns' | 'learns' | 'handsOver' | 'loses'; readonly nth: number }
  | { readonly type: 'finds'; readonly order: readonly number[] }

const nth = fc.nat({ max: 2 })
const finds = fc.record({
  type: fc.constant('finds' as const),
  order: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
})
const of = <Type extends string>(...types: Type[]) => fc.record({ type: fc.constantFrom(...types) })
const ofOne = <Type extends string>(...types: Type[]) => fc.record({ type: fc.constantFrom(...types), nth })

/** A history of some outages: the problem turns up and goes, and its entry moves from node to node. */
export const outageActs: fc.Arbitrary<OutageAct[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: of('round') },
    { weight: 7, arbitrary: of('sends') },
    { weight: 2, arbitrary: of('turns') },
    { weight: 6, arbitrary: ofOne('learns', 'handsOver') },
    { weight: 1, arbitrary: ofOne('owns') },
    { weight: 1, arbitrary: ofOne('loses') },
    { weight: 1, arbitrary: finds },
  ),
  { maxLength: 150, size: 'max' },
)

/** How long it is from one act to the next, in milliseconds. */
const pause = 1000

/** A cluster to which such a history happens. */
export interface Outages extends AsyncDisposable {
  readonly cluster: OutageCluster
  readonly hasProblem: boolean
  perform(act: OutageAct): Promise<void>
  /** Redis is there, and the entry is told until all is sure and sent. */
  settle(): Promise<void>
}

/** Nothing has happened yet. What cannot happen now (Redis is lost twice) does not. */
export function noOutageYet(): Outages {
  const cluster = outageCluster(2)
  const nodes = [cluster.join('a'), cluster.join('b'), cluster.join('c')] as const
  const one = (nth: number) => nodes[nth] ?? nodes[0]
  let [owner, voice] = [nodes[0], nodes[0]]
  let [hasProblem, hasRedis] = [false, true]
  let now = 0

  async function perform(act: OutageAct): Promise<void> {
    now += pause
    switch (act.type) {
      case 'turns':
        hasProblem = !hasProblem
        break
      case 'round':
        return owner.tell(hasProblem ? 'problem' : 'ok', now)
      case 'sends':
        return voice.send()
      case 'owns':
        owner = one(act.nth)
        break
      case 'learns':
        if (hasRedis) await one(act.nth).learn()
        break
      case 'handsOver':
        if (!hasRedis && one(act.nth) !== voice) await one(act.nth).handOver(voice)
        break
      case 'loses':
        if (!hasRedis) break
        voice = one(act.nth)
        hasRedis = false
        for (const node of nodes) await node.loseRedis()
        break
      case 'finds':
        if (hasRedis) break
        hasRedis = true
        for (const nth of act.order) await one(nth).findRedis()
    }
  }

  return {
    cluster,
    get hasProblem() {
      return hasProblem
    },
    perform,
    async settle() {
      await perform({ type: 'finds', order: [0, 1, 2] })
      for (let round = 0; round < 3; round++) {
        await perform({ type: 'round' })
        await perform({ type: 'sends' })
      }
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}
