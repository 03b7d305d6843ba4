import type { RedisInfo } from 'healthz'

/** What a server uses of what it takes from its host, in bytes. */
export interface Taken {
  readonly used: number
  readonly resident: number
  readonly ratio: number
  /** Taken beyond what is used. */
  readonly wasted: number
}

export function takenOf(info: RedisInfo): Taken {
  const used = info.number('used_memory')
  const resident = info.number('used_memory_rss')
  return {
    used,
    resident,
    ratio: info.number('mem_fragmentation_ratio'),
    wasted: info.numberOr('mem_fragmentation_bytes', resident - used),
  }
}
