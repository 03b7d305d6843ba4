import { type Cure, DidNotHelp, say } from 'healthz'
import { nodesWithoutRoom } from './disk.ts'
import { readIndices } from './indices.ts'
import type { Cluster } from './target.ts'

export const unblockTitle = say`take the block for a full disk off these indices`

/** Takes the block off once every node that holds data is below its high watermark. */
export function unblock(target: Cluster, indices: readonly string[]): Cure {
  return {
    title: unblockTitle,
    consent: 'ask',
    target: target.api.address,
    async run({ signal }) {
      const [health, { nodes }, settings] = await Promise.all([
        target.health(signal),
        target.stats(signal),
        target.settings(signal),
      ])
      const short = nodesWithoutRoom(nodes, settings)
      if (short.length > 0)
        throw new DidNotHelp(say`free disk space first: these nodes are past the high watermark: ${short}`)
      const { blocks } = await readIndices(target.api, health, signal)
      const still = indices.filter((index) => blocks.get(index)?.includes('read_only_allow_delete'))
      for (const some of chunksOf(still)) {
        const path = `/${some.map(encodeURIComponent)}/_settings`
        await target.api.act('PUT', path, signal, { 'index.blocks.read_only_allow_delete': null })
      }
    },
  }
}

/** A request line holds 4096 bytes, a name of an index up to 255. */
function chunksOf(names: readonly string[]): readonly (readonly string[])[] {
  const size = 10
  return Array.from({ length: Math.ceil(names.length / size) }, (_, at) =>
    names.slice(at * size, (at + 1) * size),
  )
}
