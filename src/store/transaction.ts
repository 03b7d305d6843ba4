import type { DatabaseSync } from 'node:sqlite'
import { type Fence, Fenced } from '../core/store.ts'

/** Runs an act in one transaction; a writer that a newer one has replaced is refused. */
export type Atomically = <Result>(fence: Fence, act: () => Result) => Result

/** Transactions on a database: `atomically` for a writer with a fence, `plainly` for what needs none. */
export function transactionsOn(db: DatabaseSync): {
  readonly atomically: Atomically
  readonly plainly: <Result>(act: () => Result) => Result
} {
  function plainly<Result>(act: () => Result): Result {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = act()
      db.exec('COMMIT')
      return result
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
  return {
    plainly,
    atomically: (fence, act) =>
      plainly(() => {
        const { value } = db.prepare(`SELECT value FROM meta WHERE name = 'epoch'`).get() ?? {}
        if (Number(value ?? 0) > fence.epoch)
          throw new Fenced(`epoch ${fence.epoch} was replaced by ${value}`)
        return act()
      }),
  }
}

/** Rows hold JSON that `commit` and its like wrote from this very type. */
export function parse<Type>(json: unknown): Type {
  return JSON.parse(String(json)) as Type
}
