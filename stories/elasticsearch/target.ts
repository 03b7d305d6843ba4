import { ConnectionFailure, type OpenContext, say, shareInFlight, stepOf } from 'healthz'
import { type Api, apiOf, type Entered } from './api.ts'
import { type ClusterHealth, readHealth } from './cluster-health.ts'
import { type NodeStats, readNodeStats } from './node-stats.ts'
import type { Options } from './options.ts'
import { readSettings, type Settings } from './settings.ts'
import type { Version } from './version.ts'

/** A cluster of which at least one node answers. */
export interface Cluster {
  /** The first node that answered, one that knows the master before one that does not. */
  readonly api: Api
  readonly version: Version
  /** Every configured address, tried anew. */
  reach(signal: AbortSignal): Promise<Reach>
  /** Each asked once for the steps that ask together. @throws CannotTell, ConnectionFailure */
  health(signal: AbortSignal): Promise<ClusterHealth>
  stats(signal: AbortSignal): Promise<NodeStats>
  settings(signal: AbortSignal): Promise<Settings>
}

export interface Reach {
  readonly entered: readonly Entered[]
  readonly unreached: readonly ConnectionFailure[]
}

/** Declares a step of this story. */
export const step = stepOf<Cluster, Options>()

/** @throws ConnectionFailure when no node answers. */
export async function openCluster({ options, signal }: OpenContext<Options>): Promise<Cluster> {
  const configured = options.nodes.map((node) => apiOf(node, options))
  const reach = async (within: AbortSignal): Promise<Reach> => {
    const tried = await Promise.all(configured.map((api) => enter(api, within)))
    return {
      entered: tried.flatMap((found) => (found instanceof ConnectionFailure ? [] : [found])),
      unreached: tried.flatMap((found) => (found instanceof ConnectionFailure ? [found] : [])),
    }
  }
  const { entered, unreached } = await reach(signal)
  const found = entered.find(({ hasMaster }) => hasMaster === true) ?? entered[0]
  if (found === undefined) throw unreachable(unreached)
  const { api, version } = found
  return {
    api,
    version,
    reach,
    health: shareInFlight((within) => readHealth(found, within)),
    stats: shareInFlight((within) => readNodeStats(api, within)),
    settings: shareInFlight((within) => readSettings(found, within)),
  }
}

async function enter(api: Api, signal: AbortSignal): Promise<Entered | ConnectionFailure> {
  try {
    return await api.enter(signal)
  } catch (error) {
    if (error instanceof ConnectionFailure) return error
    throw error
  }
}

/** The failure that says most: one from a server that spoke. */
function unreachable(failures: readonly ConnectionFailure[]): unknown {
  const silent = new Set(['refused', 'timeout-connect', 'timeout-reply', 'dns'])
  const failure = failures.find(({ kind }) => !silent.has(kind)) ?? failures[0]
  if (failure === undefined || failures.length === 1 || !silent.has(failure.kind)) return failure
  const { kind, address, cause } = failure
  const others = failures.filter((other) => other !== failure).map((other) => other.address)
  return new ConnectionFailure(kind, address, { detail: say`nor do ${others} answer`, cause })
}
