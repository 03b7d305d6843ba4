import type { CoordinatorPlan } from '../../core/cluster.ts'
import { ConnectionFailure, type FailureKind, isSettled } from '../../core/failure.ts'
import type { CoordinatorLost } from '../../core/redis-link.ts'
import { count, say, type Text } from '../../core/text.ts'
import type { Finding } from './types.ts'

/** Why a server cannot be used, for people. */
export interface LossWords {
  readonly finding: Finding
  /** It stays so until a person changes the configuration, of this program or of the server. */
  readonly isLasting: boolean
}

/** @param plan whose user and password were tried */
export function lossWords(
  error: CoordinatorLost,
  address: string,
  plan: Pick<CoordinatorPlan, 'user' | 'password'>,
): LossWords {
  const passing = (summary: Text, advice: Text): LossWords => ({
    finding: { summary, advice },
    isLasting: false,
  })
  const asKind = (kind: FailureKind) => ofFailure(new ConnectionFailure(kind, address))
  switch (error.fault) {
    case 'auth':
      return { finding: words.login(address, plan), isLasting: true }
    case 'noperm':
      return { finding: words.refused(address, error.message), isLasting: true }
    case 'loading':
      return asKind('starting')
    case 'busy':
      return asKind('busy')
    case 'masterdown':
      return passing(
        say`${address} is a replica that lost its master`,
        say`bring its master back, or make it follow another one`,
      )
    case 'clusterdown':
      return passing(
        say`the Redis Cluster does not serve the keys of this cluster: ${error.message}`,
        say`look at CLUSTER INFO and CLUSTER NODES; every slot needs a node that is up`,
      )
    default:
      if (error.cause instanceof ConnectionFailure) return ofFailure(error.cause)
      return { finding: words.refused(address, error.message), isLasting: error.fault === 'other' }
  }
}

function ofFailure(failure: ConnectionFailure): LossWords {
  const { kind, summary } = failure
  return {
    finding: { summary, advice: advices[kind] ?? failure.advice },
    isLasting: isSettled(kind),
  }
}

/** Where the general advice speaks of an entry. */
const advices: Partial<Record<FailureKind, Text>> = {
  'tls-plain': say`write redis instead of rediss in the URL, or the port on which it speaks TLS`,
  protocol: say`the port belongs to another service: correct the URL`,
  reset: say`look into the server's log for the reason`,
}

const correctLogin = say`the password is wrong, or there is no such user, or it is switched off: ACL LIST on the server shows its users`

export const words = {
  forNow: ({ summary, advice }: Finding): Finding => ({
    summary,
    advice: say`${advice}; this node joins the cluster as soon as it can`,
  }),
  refused: (address: string, reply: string): Finding => ({
    summary: say`${address} refuses: ${reply}`,
    advice: say`look into the server's log for the reason`,
  }),
  login: (address: string, { user, password }: Pick<CoordinatorPlan, 'user' | 'password'>): Finding =>
    password === undefined
      ? {
          summary: say`${address} wants a password and none is configured`,
          advice: say`give a password, and a user where the server has several`,
        }
      : {
          summary: say`${address} refuses the user ${user ?? 'default'} with this password`,
          advice: correctLogin,
        },
  plainToTls: (address: string): Finding => ({
    summary: say`${address} speaks TLS only`,
    advice: say`write rediss instead of redis in the URL`,
  }),
  tlsToPlain: (address: string): Finding => ofFailure(new ConnectionFailure('tls-plain', address)).finding,
  wantsCertificate: (address: string): Finding => ({
    summary: say`${address} wants its clients to show a certificate`,
    advice: say`set tls-auth-clients optional on the server: this program has no certificate to show`,
  }),
  sentinel: (address: string): Finding => ({
    summary: say`${address} is a sentinel and keeps no data`,
    advice: say`write redis+sentinel:// with all sentinels, and at the end the name of the master`,
  }),
  noSentinel: (address: string): Finding => ({
    summary: say`${address} is no sentinel`,
    advice: say`write the ports of the sentinels, 26379 by default; or redis:// for a single server`,
  }),
  unknownMaster: (address: string, master: string, known: readonly string[]): Finding => ({
    summary: say`the sentinel ${address} knows no master named ${master}`,
    advice:
      known.length === 0
        ? say`it watches no master at all: give it one with SENTINEL MONITOR`
        : say`write one of those that it watches at the end of the URL: ${known}`,
  }),
  noQuorum: (address: string, reply: string): Finding => ({
    summary: say`the sentinels could not replace a master that dies now: ${reply}`,
    advice: say`start the sentinels that are missing; ${address} said this`,
  }),
  clusterNode: (address: string): Finding => ({
    summary: say`${address} is a node of a Redis Cluster`,
    advice: say`write redis+cluster://${address}, best with further nodes`,
  }),
  noCluster: (address: string): Finding => ({
    summary: say`${address} is no node of a Redis Cluster`,
    advice: say`write redis://${address}`,
  }),
  replica: (address: string, master: string): Finding => ({
    summary: say`${address} is a replica of ${master} and takes no writes`,
    advice: say`write redis://${master}; where sentinels watch them, redis+sentinel:// follows the master`,
  }),
  failingOver: (address: string): Finding => ({
    summary: say`${address} is named as the master and is a replica: a failover is under way`,
    advice: say`wait for its end; this node joins the cluster as soon as it can`,
  }),
  tooOld: (address: string, version: string): Finding => ({
    summary: say`${address} runs Redis ${version}`,
    advice: say`the cluster needs Redis 6.0 or newer`,
  }),
  noDatabase: (address: string, database: number): Finding => ({
    summary: say`${address} has no database ${database}`,
    advice: say`write one that it has at the end of the URL, or raise databases on the server`,
  }),
  lacksRights: (address: string, user: string, lacking: readonly string[], line: string): Finding => ({
    summary: say`the user ${user} lacks rights on ${address}: ${lacking}`,
    advice: say`run this on each Redis server that may become the master, then ACL SAVE or put it into its configuration: ${line}`,
  }),
  evicts: (address: string, policy: string): Finding => ({
    summary: say`${address} may throw away the keys of this cluster when its memory is full (maxmemory-policy ${policy})`,
    advice: say`set maxmemory-policy to noeviction or a volatile one, or use a Redis of its own`,
  }),
  fewReplicas: (address: string, have: number, want: number): Finding => ({
    summary: say`${address} has ${count(have, 'replica')}, and a heartbeat counts only when ${want} have it: nobody can lead`,
    advice: say`bring the replicas back, or lower minReplicas`,
  }),
  openToAll: (address: string): Finding => ({
    summary: say`${address} asks for no password, though one is configured`,
    advice: say`give the server a password: whoever reaches it can take the cluster over`,
  }),
}
