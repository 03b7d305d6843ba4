import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { appendFile, chmod, cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Need } from '../needs.ts'
import { mavenArchive } from './maven.ts'
import { canConnect, onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { type Guarded, guardElasticsearch, guardOpensearch } from './search-guard.ts'
import { makeTempDir, runDir } from './temp-dir.ts'

/**
 * Starts one node of Elasticsearch or OpenSearch, in 6 to 12 s. It is the distribution that both projects publish for
 * the tests of plug-ins: the server itself without most modules, so that there is no lifecycle management (ILM, ISM).
 */
export function startElasticsearch(options: ElasticsearchOptions): Promise<Elasticsearch> {
  return onFreePorts(2, (port, transportPort) => startOn(port, transportPort, options))
}

export interface ElasticsearchOptions {
  readonly product: 'elasticsearch' | 'opensearch'
  readonly version: string
  /** More lines of its configuration. */
  readonly conf?: string
  /** Users and their rights; left out: everybody may do everything. */
  readonly guarded?: Guarded
  /** Leave it without an elected master: it answers, and serves nothing. */
  readonly masterless?: boolean
  /** Let Elasticsearch 8 or later give itself certificates and passwords, as it does when it is installed. */
  readonly asInstalled?: boolean
}

export interface Elasticsearch extends ServerProcess {
  readonly url: string
  readonly port: number
  /** Where the server makes a directory for each index. */
  readonly indicesDir: string
  /** The authority that it made for itself, where it was left to do so. */
  readonly caFile: string
  /** A directory that the server may keep snapshots in. */
  readonly backupDir: string
  /** Calls the API as the administrator. Gives the parsed answer, and throws on any status but 2xx. */
  api(method: string, path: string, body?: unknown): Promise<unknown>
}

async function startOn(
  port: number,
  transportPort: number,
  { product, version, conf = '', guarded, masterless = false, asInstalled = false }: ElasticsearchOptions,
): Promise<Elasticsearch> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const home = join(dir, 'home')
  await cp(join(await searchArchive(product, version), `${product}-${version}`), home, {
    recursive: true,
  })
  for (const name of ['data', 'tmp', 'backup']) await mkdir(join(dir, name))
  const config = join(home, 'config')
  await writeFile(
    join(config, `${product}.yml`),
    `cluster.name: hz
node.name: n1
path.data: ${dir}/data
path.logs: ${dir}
path.repo: [${dir}/backup]
network.host: 127.0.0.1
http.port: ${port}
transport.port: ${transportPort}
${masterless ? formation(product) : 'discovery.type: single-node'}
cluster.routing.allocation.disk.watermark.low: 97%
cluster.routing.allocation.disk.watermark.high: 98%
cluster.routing.allocation.disk.watermark.flood_stage: 99%
cluster.info.update.interval: 10m
${conf}
`,
  )
  const url = `http://127.0.0.1:${port}`
  let client = clientOf(url)
  if (product === 'elasticsearch' && guarded === undefined && !asInstalled)
    await appendFile(join(config, 'elasticsearch.yml'), 'xpack.security.enabled: false\n')
  if (guarded !== undefined) {
    const guard = product === 'opensearch' ? guardOpensearch : guardElasticsearch
    await guard(home, guarded)
    client = clientOf(url, guarded)
  }
  await handOver(dir)
  const server = stack.use(
    await startServer({
      name: product,
      ...asUnprivileged(join(home, 'bin', product)),
      dir,
      env: environment(dir, javaHome(product === 'elasticsearch' && version.startsWith('9.') ? 21 : 11)),
      ready: asInstalled
        ? () => canConnect(port)
        : () => client('GET', masterless ? '/_nodes/_local' : '/_cluster/health'),
      deadline: 60_000,
    }),
  )
  const owned = stack.move()
  const indices =
    product === 'opensearch' || version.startsWith('7.') ? 'data/nodes/0/indices' : 'data/indices'
  return {
    ...server,
    url,
    port,
    indicesDir: join(dir, indices),
    caFile: join(config, 'certs/http_ca.crt'),
    backupDir: join(dir, 'backup'),
    api: client,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The directory that holds the server as it was unpacked. */
export const searchArchive = (product: string, version: string): Promise<string> =>
  mavenArchive(`org.${product}.distribution.integ-test-zip:${product}:${version}:zip`)

/** It waits for a node that never comes. */
const formation = (product: string) =>
  product === 'opensearch'
    ? 'cluster.initial_cluster_manager_nodes: [n2]\ndiscovery.initial_state_timeout: 1s'
    : 'cluster.initial_master_nodes: [n2]\ndiscovery.initial_state_timeout: 1s'

function environment(dir: string, java: string): Readonly<Record<string, string>> {
  const heap = '-Xms192m -Xmx192m -XX:-UseG1GC -XX:+UseSerialGC -XX:TieredStopAtLevel=1'
  return {
    ES_JAVA_HOME: java,
    OPENSEARCH_JAVA_HOME: java,
    ES_JAVA_OPTS: heap,
    OPENSEARCH_JAVA_OPTS: heap,
    CLI_JAVA_OPTS: '-Xmx64m -XX:+UseSerialGC',
    ES_TMPDIR: join(dir, 'tmp'),
    OPENSEARCH_TMPDIR: join(dir, 'tmp'),
  }
}

const javaRoot = '/usr/lib/jvm'

/** The oldest Java that is new enough: the older servers do not run on the newest. */
function javaHome(least: number): string {
  const [oldest] = javas()
    .filter(({ version }) => version >= least)
    .toSorted((a, b) => a.version - b.version || a.path.localeCompare(b.path))
  if (oldest === undefined) throw new Error(`no Java of version ${least} or later in ${javaRoot}`)
  return oldest.path
}

/** What Elasticsearch 9 runs on: a newer Java than the package of the older ones is sure to bring. */
export const java21: Need = {
  name: 'java-21',
  isThere: javas().some(({ version }) => version >= 21),
  wanted: `a Java of version 21 or later in ${javaRoot}`,
}

function javas(): readonly { readonly path: string; readonly version: number }[] {
  if (!existsSync(javaRoot)) return []
  return readdirSync(javaRoot).flatMap((name) => {
    const path = join(javaRoot, name)
    const release = join(path, 'release')
    if (!existsSync(release)) return []
    const version = Number(/JAVA_VERSION="(\d+)/.exec(readFileSync(release, 'utf8'))?.[1] ?? 0)
    return [{ path, version }]
  })
}

const isRoot = process.getuid?.() === 0
const nobody = 65_534

/** Both refuse to run as root. The directories above theirs must let another user through. */
async function handOver(dir: string): Promise<void> {
  if (!isRoot) return
  await promisify(execFile)('chown', ['-R', `${nobody}:${nobody}`, dir])
  const run = runDir()
  if (run !== undefined) await chmod(run, 0o711)
}

function asUnprivileged(path: string): { readonly command: string; readonly args: readonly string[] } {
  if (!isRoot) return { command: 'env', args: [path] }
  const drop = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--pdeathsig', 'SIGKILL']
  return { command: 'setpriv', args: [...drop, path] }
}

function clientOf(url: string, guarded?: Guarded): Elasticsearch['api'] {
  const authorization = guarded && `Basic ${btoa(`admin:${guarded.password}`)}`
  return async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text
  }
}
