import { CoordinatorLost } from '../../core/redis-link.ts'
import { addressOf, type Place, RedisReplyError } from '../redis/fault.ts'
import { overTls } from './tls.ts'
import type { Checking } from './types.ts'
import { lossWords, words } from './words.ts'

/** Says why a server cannot be used. */
export async function reportLoss(checking: Checking, error: unknown, place: Place): Promise<void> {
  const { cluster, faults, warnings } = checking
  const address = addressOf(place)
  if (!(error instanceof CoordinatorLost)) {
    // Redis answered with an error that this program has not met yet.
    faults.push(words.refused(address, error instanceof Error ? error.message : String(error)))
    return
  }
  if (isSaid(error, /cluster support disabled/)) {
    faults.push(words.noCluster(address))
    return
  }
  const known = (await overTls(checking, error, place)) ?? lossWords(error, address, cluster.redis)
  if (known.isLasting) faults.push(known.finding)
  else warnings.push(words.forNow(known.finding))
}

function isSaid(error: CoordinatorLost, words: RegExp): boolean {
  return error.cause instanceof RedisReplyError && words.test(error.cause.message)
}
