/** When the cluster's own story speaks up. Times in milliseconds. */
export const clusterLimits = {
  /** How long a node's word that it cannot reach Redis counts. */
  isolatedFor: 60_000,
  /** More leases than this must pass before a node that vanished is told of: one that is restarted is back by then. */
  lostLeases: 2,
  /** So many leases without a leader are told of. */
  leaderlessLeases: 3,
  /** More changes of leader than this, deploys left out, within `changesWithin`. */
  changes: 3,
  changesWithin: 600_000,
  /** Heartbeats and their answers later than this many beats, for longer than `lateFor`. */
  lateBeats: 2,
  lateFor: 120_000,
  /** An event loop that lags longer than this is why heartbeats are late. */
  loopLag: 200,
  /** A clock further off than this, and critically so at this share of a lease, for longer than `skewFor`. */
  skew: 500,
  skewOfLease: 1 / 3,
  skewFor: 30_000,
  /** How long nodes may differ in their configuration and in their version: as long as a deploy takes. */
  configFor: 600_000,
  versionFor: 3_600_000,
  /** At least so many rounds left out within `overrunsWithin`. */
  overruns: 3,
  overrunsWithin: 600_000,
  /** Percent of the rounds that may run at the same time on a node. */
  fullPct: 80,
  /** A result is stale that was not renewed for so many intervals, and some time for rounds that take long. */
  staleIntervals: 3,
  staleGrace: 60_000,
  /** A round that cures tells nothing until the cure has ended. */
  cureTime: 900_000,
} as const
