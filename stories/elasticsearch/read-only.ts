import { count, isNamed, type Problem, say } from 'healthz'
import { type Indices, readAliases, readIndices, writtenBehind } from './indices.ts'
import { admitHidden, namesOf } from './names.ts'
import { step } from './target.ts'
import { tellAll } from './tell-all.ts'
import { unblock, unblockTitle } from './unblock.ts'

/** Nothing that is to be written is blocked. */
export const readOnly = step({
  title: say`no index is blocked that is to be written`,
  // The block is a fact.
  confirm: 1,
  cures: [{ title: unblockTitle, consent: 'ask' }],
  async check({ target, options, signal, note, problem, cannotTell }) {
    const { api } = target
    const [health, settings] = await Promise.all([target.health(signal), target.settings(signal)])
    const indices = await readIndices(api, health, signal)
    const isArchive = (index: string) => isNamed(index, options.archives)
    const flooded = blockedBy('read_only_allow_delete', indices).filter((index) => !isArchive(index))
    note(say`${indices.blocks.size} indices looked at`)
    if (flooded.length > 0) {
      problem({
        key: 'flood',
        severity: 'critical',
        summary: say`${count(flooded.length, 'index', 'indices')} can only be read and deleted, as the disk was too full: ${namesOf(flooded)}`,
        advice: say`free disk space on the nodes (see the step "disk"); the block goes by itself within a minute then, and stays only if somebody set it by hand`,
        evidence: { indices: flooded.length, names: flooded.slice(0, 20).join(', ') },
        resolve: unblock(target, flooded),
      })
    }
    for (const block of ['read_only', 'read_only_allow_delete']) {
      if (settings.get(`cluster.blocks.${block}`) !== 'true') continue
      problem({
        key: `cluster ${block}`,
        severity: 'critical',
        summary: say`the whole cluster is set read-only (cluster.blocks.${block})`,
        advice: say`if nobody needs it any more, set it to null with PUT /_cluster/settings`,
        evidence: { block },
      })
    }
    const blocked = new Set([...blockedBy('write', indices), ...blockedBy('read_only', indices)])
    const aliases = blocked.size === 0 ? null : await readAliases(api, health, signal)
    const families = new Set(options.families.map(({ write }) => write))
    const written = [...(aliases?.byName ?? [])].flatMap(([alias, behind]) => {
      const isForWriting = families.has(alias) || behind.some(({ isWritten }) => isWritten === true)
      const index = isForWriting ? writtenBehind(behind) : null
      return index !== null && blocked.has(index) && !isArchive(index) ? [{ alias, index }] : []
    })
    const protectedOnes = written.map(
      ({ alias, index }): Problem => ({
        key: `alias ${alias}`,
        severity: 'critical',
        summary: say`nothing can be written through the alias ${alias}: its index ${index} is write-protected`,
        advice: say`move the alias on to a new index, or take index.blocks.write and index.blocks.read_only off this one`,
        evidence: { alias, index },
      }),
    )
    tellAll(protectedOnes, { problem, note })
    admitHidden(indices.hidden, api, cannotTell)
  },
})

function blockedBy(block: 'read_only' | 'read_only_allow_delete' | 'write', { blocks }: Indices) {
  return [...blocks].filter(([, set]) => set.includes(block)).map(([index]) => index)
}
