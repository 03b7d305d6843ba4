/** All that a plugin may import, as 'healthz'. */

export { z } from 'zod'
export { certificateOf, isCertificateRequired } from './clients/certificate.ts'
export {
  cpuLimitOfContainer,
  type MemoryGroup,
  memoryGroupOf,
  memoryGroupOfContainer,
  pressureOfContainer,
} from './clients/cgroup.ts'
export { shareInFlight } from './clients/in-flight.ts'
export { launch, plainEnvironment } from './clients/launch.ts'
export { type Metric, parseMetrics } from './clients/metrics-text.ts'
export {
  isWholeScan,
  needProc,
  type ProcessStat,
  readProcess,
  scanProcesses,
  startedAt,
} from './clients/proc.ts'
export { descriptorUse, memoryUse } from './clients/process-use.ts'
export { openRedisCluster, type RedisCluster } from './clients/redis/cluster.ts'
export { askCluster, type ClusterNode, readClusterNodes } from './clients/redis/cluster-nodes.ts'
export { connectRedis, type RedisAccess, type RedisConnection } from './clients/redis/connection.ts'
export { RedisInfo, redisPairs } from './clients/redis/info.ts'
export { openRedisKeys, type RedisKeys } from './clients/redis/keys.ts'
export { LazyRedis, reachAll } from './clients/redis/lazy.ts'
export { connectRedisMaster } from './clients/redis/master.ts'
export { addressAt, type RedisPlace, reachSentinel, reachServer, serverAt } from './clients/redis/place.ts'
export { RedisRefusal } from './clients/redis/refusal.ts'
export { findMaster } from './clients/redis/sentinels.ts'
export { type RequestOptions, type Response, request, type Timings } from './clients/request.ts'
export { countRestarts, type Run } from './clients/restarts.ts'
export { type RunOutput, runProgram } from './clients/run-program.ts'
export { placeOf, restartSupervised, type Supervised, startSupervised } from './clients/supervised.ts'
export { connectTcp, rawProbe } from './clients/tcp.ts'
export { type Certificate, lookAtTls, type TlsPlace, type TlsView } from './clients/tls.ts'
export { callXmlRpc, type XmlRpcServer, xmlRpcServer } from './clients/xml-rpc.ts'
export { XmlRpcFault, type XmlRpcValue } from './clients/xml-rpc-codec.ts'
export {
  type Channel,
  type Delivery,
  type Digest,
  type DigestAlarm,
  type DigestLabels,
  defineChannel,
  type SendContext,
  TryLater,
  Undeliverable,
} from './core/channel.ts'
export { duration, parseDuration } from './core/duration.ts'
export { ConnectionFailure, type FailureKind, failureOf, kindOf } from './core/failure.ts'
export { type JsonPath, jsonPath, valueAt } from './core/json-path.ts'
export { isPast, type Limit, limit } from './core/limit.ts'
export { isNamed } from './core/name-pattern.ts'
export {
  type ServerUrl,
  secret,
  serverUrl,
  supervisedProgram,
  tlsOptions,
} from './core/options.ts'
export { parseJson } from './core/parse-json.ts'
export { clusterNodes, redisOptions, redisPlaceFault, redisPlaceOptions } from './core/redis-options.ts'
export { slotOf } from './core/redis-slot.ts'
export { createRedactor, findSecrets, type Redact, Secret } from './core/secret.ts'
export {
  CannotTell,
  type Cure,
  DidNotHelp,
  defineStory,
  type Grades,
  type Guide,
  type OpenContext,
  type Pair,
  type Problem,
  type Step,
  type StepContext,
  type Story,
  stepOf,
} from './core/story.ts'
export { tellSome } from './core/tell-some.ts'
export {
  bytes,
  count,
  type Language,
  milliseconds,
  percent,
  render,
  say,
  seconds,
  type Text,
  time,
} from './core/text.ts'
export { isAtLeast, isVersion } from './core/version-number.ts'
