import type { EntryState } from '../core/judge.ts'
import type { Store } from '../core/store.ts'

/**
 * The store of a run that tells nobody: what it raises is kept as raised but untold, so that whoever runs next with
 * channels tells people. What it sees recovering is still owed to those who were told before.
 */
export function untold(store: Store): Store {
  return {
    ...store,
    async commit(fence, commit) {
      const before = await store.entry(commit.record.name)
      const state = withToldOf(before?.state ?? null, commit.record.state)
      return await store.commit(fence, { ...commit, record: { ...commit.record, state } })
    },
  }
}

function withToldOf(before: EntryState | null, state: EntryState): EntryState {
  const problems = Object.entries(state.problems).map(([id, problem]) => {
    const known = before?.problems[id]
    const isSame = known !== undefined && known.raisedAt === problem.raisedAt
    return [id, { ...problem, toldAt: isSame ? known.toldAt : null }] as const
  })
  return { ...state, problems: Object.fromEntries(problems) }
}
