import type { RedisPlace } from 'healthz'
import type { RedisOptions } from './options.ts'

/** Where an entry says it is. Its servers are reached also when they are blocked or refuse to serve: the steps tell that. */
export const placeOf = (options: RedisOptions): RedisPlace => ({ ...options, evenIf: ['BUSY', 'MASTERDOWN'] })
