import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'

/** Starts a Prometheus that scrapes and evaluates every second. */
export function startPrometheus(options: PrometheusOptions = {}): Promise<Prometheus> {
  return onFreePorts(1, (port) => startOn(port, options))
}

export interface PrometheusOptions {
  /** `host:port` of targets by job. */
  readonly jobs?: Readonly<Record<string, readonly string[]>>
  /** A file of rules, in YAML. */
  readonly rules?: string
}

export interface Prometheus extends ServerProcess {
  readonly port: number
  readonly url: string
  /** Takes other targets; they are scraped a second later. */
  reload(jobs: Readonly<Record<string, readonly string[]>>): Promise<void>
  /** How many series a query gives. */
  seriesOf(query: string): Promise<number>
}

async function startOn(
  port: number,
  { jobs = {}, rules = 'groups: []' }: PrometheusOptions,
): Promise<Prometheus> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const url = `http://127.0.0.1:${port}`
  const file = join(dir, 'prometheus.yml')
  await writeFile(join(dir, 'rules.yml'), rules)
  await writeFile(file, configuration(jobs))
  const server = stack.use(
    await startServer({
      name: 'prometheus',
      command: 'prometheus',
      args: [
        `--config.file=${file}`,
        `--storage.tsdb.path=${dir}/tsdb`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--web.enable-lifecycle',
        '--storage.tsdb.retention.time=1h',
        '--log.level=warn',
        // New targets are otherwise taken up only after 5 s.
        '--scrape.discovery-reload-interval=1s',
      ],
      dir,
      ready: async () => (await fetch(`${url}/-/ready`)).status === 200,
    }),
  )
  const owned = stack.move()
  return {
    ...server,
    port,
    url,
    async reload(others) {
      await writeFile(file, configuration(others))
      const { status } = await fetch(`${url}/-/reload`, { method: 'POST' })
      if (status !== 200) throw new Error(`the reload failed with HTTP status ${status}`)
    },
    async seriesOf(query) {
      const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`)
      // Of a query for series this is the form of the answer.
      const { data } = (await answer.json()) as { data: { result: unknown[] } }
      return data.result.length
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** JSON is YAML. */
function configuration(jobs: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify({
    global: { scrape_interval: '1s', evaluation_interval: '1s', scrape_timeout: '1s' },
    rule_files: ['rules.yml'],
    scrape_configs: Object.entries(jobs).map(([job, targets]) => ({
      job_name: job,
      static_configs: [{ targets }],
    })),
  })
}
