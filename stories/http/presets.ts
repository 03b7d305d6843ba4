import { type FailureKind, jsonPath, say, type Text } from 'healthz'
import type { Body, Figure } from './expected.ts'

/** What an entry gets by naming what stands behind its URL; whatever it sets itself goes before. */
export interface Preset {
  /** Asked for where the URL has no path. */
  readonly path?: string
  readonly body?: Body
  /** Judged beside those of the entry. */
  readonly json?: readonly Figure[]
  /** What to do when there is no answer at all. */
  readonly advice?: Readonly<Partial<Record<FailureKind, Text>>>
}

const at = (path: string) => jsonPath().parse(path)

const figure = (path: string, name: string, more: Partial<Figure> = {}): Figure => ({
  path: at(path),
  name,
  ...more,
})

/**
 * Grafana says by itself whether its database answers (`GET /api/health`), nginx what it does with its connections
 * (`stub_status`), Elasticsearch how its cluster fares. gunicorn has no page of its own: it is told by how it fails.
 */
export const presets = {
  web: {},
  grafana: {
    path: '/api/health',
    body: { json: { path: at('database'), is: 'ok' } },
    json: [figure('version', 'the version of Grafana')],
    advice: {
      refused: say`start Grafana (systemctl start grafana-server), and see in its log why it ended: a database that does not answer stops it`,
      'timeout-reply': say`Grafana hangs: look at its database, which it asks for each page, then restart it`,
    },
  },
  es: {
    path: '/_cluster/health',
    body: { matches: /"status"\s*:\s*"(?:green|yellow)"/ },
    json: [figure('number_of_nodes', 'the number of nodes')],
    advice: {
      'timeout-reply': say`the node hangs: look for long garbage collections in its log, and for a master that is missing`,
    },
  },
  nginx: {
    path: '/nginx_status',
    body: { matches: /^Active connections: \d+/ },
    advice: {
      refused: say`see what is wrong with its configuration (nginx -t) and in its error log, then start it: systemctl start nginx`,
      'timeout-reply': say`its workers hang or all their connections are taken: look at worker_connections, at the disk its files are on, and in its error log`,
    },
  },
  gunicorn: {
    advice: {
      refused: say`start gunicorn, and see in its log why its master ended: a module that cannot be imported ends it`,
      'timeout-reply': say`all workers of gunicorn are busy or hang: see what the application waits for, and give it more workers (-w) or threads (--threads)`,
      reset: say`gunicorn kills workers that take longer than --timeout: see "WORKER TIMEOUT" in its log, and what the application waits for`,
    },
  },
} as const satisfies Readonly<Record<string, Preset>>

export type PresetName = keyof typeof presets

/** The same as a plain preset: its own fields are known only to the compiler. */
export const presetOf = (name: PresetName): Preset => presets[name]
