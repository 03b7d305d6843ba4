/** Runs work one at a time for each name; others wait their turn. */
export type Locks = <Result>(name: string, work: () => Promise<Result>) => Promise<Result>

/** Locks of this process. */
export function createLocks(): Locks {
  const tails = new Map<string, Promise<unknown>>()
  return async (name, work) => {
    const before = tails.get(name) ?? Promise.resolve()
    const turn = before.then(work, work)
    tails.set(name, turn)
    try {
      return await turn
    } finally {
      if (tails.get(name) === turn) tails.delete(name)
    }
  }
}
