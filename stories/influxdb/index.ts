import { defineStory, say } from 'healthz'
import { databases } from './databases.ts'
import { fresh } from './fresh.ts'
import { health } from './health.ts'
import { options } from './options.ts'
import { series } from './series.ts'
import { shards } from './shards.ts'
import { slowQueries } from './slow-queries.ts'
import { openInflux } from './target.ts'
import { writeErrors } from './write-errors.ts'

/**
 * An InfluxDB: it answers, keeps what is written, and new values come in. InfluxDB 1 tells all of it, InfluxDB 2 all
 * but its queries; of InfluxDB 3 only that it answers and is well.
 */
export default defineStory({
  title: say`InfluxDB`,
  scope: 'cluster',
  options,
  open: openInflux,
  steps: {
    health,
    databases,
    'write-errors': writeErrors,
    series,
    fresh,
    'slow-queries': slowQueries,
    shards,
  },
  guide: {
    example: `- story: influxdb
  with:
    url: http://influx.example:8086
    user: healthz
    password: \${INFLUX_PASSWORD}
    expectDatabases: [telegraf]
    fresh:
      - { database: telegraf, measurement: cpu, field: usage_idle, maxAge: 5m }
  steps:
    health: off # an InfluxDB before 1.8 has no such check
`,
    rights: `CREATE USER "healthz" WITH PASSWORD '...'
GRANT READ ON "telegraf" TO "healthz"
-- only for the step slow-queries:
GRANT ALL PRIVILEGES TO "healthz"
-- InfluxDB 2, in place of these: influx auth create --read-buckets`,
  },
})
