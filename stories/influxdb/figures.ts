import { CannotTell, type Metric, parseMetrics, say, z } from 'healthz'
import { type Api, documentOf, notInThis, type Version } from './api.ts'

/** What a server counts of itself since it was started. */
export interface Figures {
  /** Tells one run of the server from the next. */
  readonly life: string
  /** Points that came in and were not kept. */
  readonly dropped: number
  /** What else went wrong, by the server's own names. */
  readonly errors: Readonly<Record<string, number>>
  /** Series by database (InfluxDB 2: by the bucket's id). */
  readonly series: Readonly<Record<string, number>>
  readonly shards: number
  readonly compactionErrors: number
  readonly cacheBytes: number
}

/** @throws CannotTell where this version, or this user, is not told. */
export async function readFigures(api: Api, version: Version, signal: AbortSignal): Promise<Figures> {
  if (version.major >= 3) throw notInThis(version)
  const path = version.major === 2 ? '/metrics' : '/debug/vars'
  const response = await api.ask(path, signal)
  if (response.status === 401 || response.status === 403)
    throw new CannotTell(
      say`the user ${api.user} may not read ${path}; give it the admin privilege, or set pprof-auth-enabled = false`,
    )
  if (response.status === 404) throw new CannotTell(say`InfluxDB ${version.text} does not offer ${path}`)
  if (version.major === 1) return fromVars(documentOf(response, z.record(z.string(), z.unknown())))
  const metrics = response.status === 200 && !response.isTruncated ? parseMetrics(response.body) : null
  if (metrics === null) throw new CannotTell(say`InfluxDB gave an answer of another form`)
  return fromMetrics(metrics)
}

/** InfluxDB 1: the counters behind its database `_internal`, which may be switched off. */
function fromVars(vars: Readonly<Record<string, unknown>>): Figures {
  const parts = Object.values(vars).flatMap((value) => part.safeParse(value).data ?? [])
  const of = (name: string) => parts.filter((found) => found.name === name)
  const sum = (name: string, counter: string) =>
    of(name).reduce((total, { values }) => total + numberIn(values[counter]), 0)
  const [http] = of('httpd')
  if (http === undefined || of('write').length === 0)
    throw new CannotTell(say`the counters of InfluxDB lack those of its writes`)
  const errors = Object.fromEntries(failures.map(([name, counter]) => [counter, sum(name, counter)]))
  return {
    life: started.safeParse(vars['system']).data?.started ?? '',
    dropped: sum('httpd', 'pointsWrittenDropped'),
    errors,
    series: Object.fromEntries(
      of('database').flatMap(({ tags, values }) =>
        tags?.['database'] === undefined ? [] : [[tags['database'], numberIn(values['numSeries'])]],
      ),
    ),
    shards: of('shard').length,
    compactionErrors: compactions.reduce(
      (total, kind) => total + sum('tsm1_engine', `${kind}CompactionErr`),
      0,
    ),
    cacheBytes: sum('tsm1_cache', 'memBytes'),
  }
}

const failures = [
  ['write', 'writeError'],
  ['write', 'writeTimeout'],
  ['write', 'writeDrop'],
  ['write', 'subWriteDrop'],
  ['httpd', 'serverError'],
  ['httpd', 'recoveredPanics'],
] as const

const compactions = ['cache', 'tsmFull', 'tsmOptimize', 'tsmLevel1', 'tsmLevel2', 'tsmLevel3'] as const

const part = z.looseObject({
  name: z.string(),
  tags: z.record(z.string(), z.string()).nullish(),
  values: z.record(z.string(), z.unknown()),
})

const started = z.looseObject({ started: z.string() })

const numberIn = (value: unknown) => (typeof value === 'number' ? value : 0)

/** InfluxDB 2. https://docs.influxdata.com/influxdb/v2/reference/internals/metrics/ */
function fromMetrics(metrics: readonly Metric[]): Figures {
  const of = (name: string) => metrics.filter((metric) => metric.name === name)
  const sum = (name: string) => of(name).reduce((total, { value }) => total + value, 0)
  if (of('storage_writer_dropped_points_sum').length === 0)
    throw new CannotTell(say`the counters of InfluxDB lack those of its writes`)
  return {
    life: String(sum('process_start_time_seconds')),
    dropped: sum('storage_writer_dropped_points_sum'),
    errors: {
      storage_writer_err_points: sum('storage_writer_err_points_sum'),
      storage_writer_timeouts: sum('storage_writer_timeouts'),
      storage_wal_writes_err: sum('storage_wal_writes_err'),
    },
    series: Object.fromEntries(
      of('storage_bucket_series_num').map(({ labels, value }) => [labels['bucket'] ?? '', value]),
    ),
    shards: of('storage_shard_disk_size').length,
    compactionErrors: sum('storage_compactions_failed'),
    cacheBytes: sum('storage_cache_inuse_bytes'),
  }
}
