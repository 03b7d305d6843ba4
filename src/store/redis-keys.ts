/** The keys of a store. All begin with the prefix, whose hash tag keeps them in one slot of a Redis Cluster. */
export function storeKeys(prefix: string) {
  const key = (name: string) => `${prefix}store:${name}`
  return {
    /** Hash: the last id given to an alarm (`outbox`) and to a cure (`cure`). */
    ids: key('ids'),
    /** Hash: name of an entry -> its record. */
    entry: key('entry'),
    /** Stream of happenings: `entry`, `at` and the whole as `line`. */
    timeline: key('timeline'),
    /** Hash: id -> cure; sorted set: id by the moment it began. */
    cure: key('cure'),
    cureAt: key('cure-at'),
    /** Hash: entry and problem -> approval. */
    approval: key('approval'),
    /** Hashes: id -> row of the outbox, each in that of its status; `open` holds those pending and being sent. */
    open: key('outbox:open'),
    sent: key('outbox:sent'),
    failed: key('outbox:failed'),
    /** Hash: id -> the alarm itself. */
    alarm: key('outbox:alarm'),
    /** Hash: occurrence -> its rows, as `Place`s. */
    told: key('outbox:told'),
    /** Sorted set: every id by itself. */
    order: key('outbox:order'),
    /** Sorted set: ids sent and failed, by the moment. */
    settled: key('outbox:settled'),
  } as const
}

export type StoreKeys = ReturnType<typeof storeKeys>
