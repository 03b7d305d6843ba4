import { ConnectionFailure, type OpenContext, shareInFlight, stepOf } from 'healthz'
import type { Access } from './access.ts'
import { type GroupList, readGroups } from './groups.ts'
import { type Link, openLink } from './link.ts'
import type { Address, Options } from './options.ts'
import { readPicture } from './picture.ts'
import { type Progress, readProgress } from './progress.ts'
import { addressOf } from './unopened.ts'

/** A Kafka of which at least one of the configured brokers answers. */
export interface Cluster extends Access, AsyncDisposable {
  /** The consumer groups, asked once for the steps that ask together. */
  groups(signal: AbortSignal): Promise<GroupList>
  /** How far the groups have come, asked once for the steps that ask together. */
  progress(signal: AbortSignal): Promise<Progress>
  /** Every place, tried anew. */
  reach(places: readonly Address[], signal: AbortSignal): Promise<Reach>
}

export interface Reach {
  readonly reached: readonly string[]
  readonly unreached: readonly ConnectionFailure[]
}

/** Declares a step of this story. */
export const step = stepOf<Cluster, Options>()

/** @throws ConnectionFailure when no configured broker answers. */
export async function openCluster({ options, signal }: OpenContext<Options>): Promise<Cluster> {
  const pool = new Map<string, Promise<Link>>()
  const to = (place: Address, within: AbortSignal) => {
    const address = addressOf(place)
    const link = pool.get(address) ?? openLink(place, options, within)
    pool.set(address, link)
    link.catch(() => pool.delete(address))
    return link
  }
  const dispose = async () => {
    for (const tried of await Promise.allSettled(pool.values())) {
      if (tried.status === 'fulfilled') tried.value[Symbol.dispose]()
    }
  }
  try {
    const tried = await Promise.allSettled(options.brokers.map((place) => to(place, signal)))
    const link = tried.find((attempt) => attempt.status === 'fulfilled')?.value
    if (link === undefined)
      throw mostTelling(tried.flatMap((attempt) => (isFailed(attempt) ? attempt.reason : [])))
    const access: Access = {
      link,
      options,
      picture: shareInFlight((within) => readPicture(link, options, within)),
      to,
      apart: (place, within) => openLink(place, options, within),
    }
    const groups = shareInFlight((within: AbortSignal) => readGroups(access, within))
    return {
      ...access,
      groups,
      progress: shareInFlight((within) => readProgress(access, groups, within)),
      reach: (places, within) => reach(places, options, within),
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

const isFailed = (attempt: PromiseSettledResult<unknown>) => attempt.status === 'rejected'

/** The failure that says most: one from a server that spoke. */
function mostTelling(failures: readonly unknown[]): unknown {
  const silent = new Set(['refused', 'timeout-connect', 'timeout-reply', 'dns'])
  const spoke = failures.find((failure) => failure instanceof ConnectionFailure && !silent.has(failure.kind))
  return spoke ?? failures[0]
}

async function reach(places: readonly Address[], options: Options, signal: AbortSignal): Promise<Reach> {
  const tried = await Promise.allSettled(
    places.map(async (place) => {
      using link = await openLink(place, options, signal)
      return link.address
    }),
  )
  const unreached: ConnectionFailure[] = []
  for (const attempt of tried) {
    if (attempt.status === 'fulfilled') continue
    if (!(attempt.reason instanceof ConnectionFailure)) throw attempt.reason
    unreached.push(attempt.reason)
  }
  return {
    reached: tried.flatMap((attempt) => (attempt.status === 'fulfilled' ? attempt.value : [])),
    unreached,
  }
}
