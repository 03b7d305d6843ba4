import type { CoordinatorFault, CoordinatorPlan } from '../../core/cluster.ts'
import { type Said, say } from '../../core/text.ts'

interface Manner {
  /** What Redis does, after "the coordinating Redis is lost:". */
  readonly words: Said
  /** What to do where no node can use it. */
  readonly advice: Said
  /** Where only one node, of this name, cannot use it. */
  readonly alone: (node: string) => Said
}

const network = (node: string) =>
  say`look at the network between ${node} and Redis: name, route, firewall; the other nodes reach it`
const another = (node: string) =>
  say`${node} seems to talk to another Redis server than the others: compare the addresses in its "cluster.redis", and what they resolve to there`
const login = (node: string) =>
  say`compare the user and the password in "cluster.redis" of ${node} with those of the others`

export const manners: Readonly<Record<CoordinatorFault, Manner>> = {
  unreachable: {
    words: say`it does not answer`,
    advice: say`look whether the Redis server runs and answers redis-cli ping, and at the network and firewalls on the way to it`,
    alone: network,
  },
  slow: {
    words: say`it answers too slowly`,
    advice: say`look at the load and swapping of its host, at slow commands (SLOWLOG GET) and at the network; for nodes far apart choose "profile: wide"`,
    alone: network,
  },
  readonly: {
    words: say`it takes no writes, as a replica does`,
    advice: say`the nodes talk to a replica: correct the address, or make it the master again (REPLICAOF NO ONE); with sentinels, ask them which server they call the master`,
    alone: another,
  },
  loading: {
    words: say`it is still loading its data`,
    advice: say`wait until it has read them (loading_eta_seconds in INFO persistence); its log says why it was restarted`,
    alone: another,
  },
  masterdown: {
    words: say`it is a replica that has lost its master`,
    advice: say`start the master again, or make a replica the master (REPLICAOF NO ONE) and correct the address`,
    alone: another,
  },
  clusterdown: {
    words: say`its Redis Cluster is down`,
    advice: say`find the slots without a master with redis-cli --cluster check, and start the masters or replicas that are missing`,
    alone: another,
  },
  noreplicas: {
    words: say`it has too few replicas`,
    advice: say`start the missing replicas; INFO replication of the master shows who follows. How many it takes is said by min-replicas-to-write of Redis and "cluster.minReplicas" here`,
    alone: another,
  },
  oom: {
    words: say`its memory is full`,
    advice: say`free memory or raise maxmemory, and find out what filled it (redis-cli --memkeys); a Redis of its own for the coordination would not share this fate`,
    alone: another,
  },
  misconf: {
    words: say`it takes no writes because it cannot save its data to disk`,
    advice: say`free space on its disk, or mend the folder it saves to, then let it save (BGSAVE); its log says what failed`,
    alone: another,
  },
  busy: {
    words: say`a script blocks it`,
    advice: say`end the script with SCRIPT KILL (or FUNCTION KILL); one that has written already can only be waited for`,
    alone: another,
  },
  auth: {
    words: say`it refuses the login`,
    advice: say`correct the user and the password in "cluster.redis"; somebody may have changed them on the server`,
    alone: login,
  },
  noperm: {
    words: say`its user lacks a right`,
    advice: say`grant the missing right: ACL LOG on the server names it`,
    alone: login,
  },
  other: {
    words: say`it fails in a way that is not known here`,
    advice: say`look for its error in the log of healthz and in that of Redis`,
    alone: (node) => say`look for its error in the log of healthz on ${node}`,
  },
}

/** The coordinating Redis by its address, where that is known. */
export function redisName(redis: CoordinatorPlan | undefined): Said {
  if (redis === undefined) return say`the coordinating Redis`
  const servers = redis.servers.map(({ host, port }) =>
    host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
  )
  switch (redis.kind) {
    case 'standalone':
      return say`the coordinating Redis ${servers}`
    case 'sentinel':
      return say`the coordinating Redis ${redis.master} (sentinels ${servers})`
    case 'cluster':
      return say`the coordinating Redis Cluster (${servers})`
  }
}
