import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { insideTree } from './debian-tree.ts'
import { findProgram } from './programs.ts'

/** A client of the RabbitMQ at these coordinates, whichever process started it. */
export function rabbitmqClient(at: RabbitmqCoordinates): RabbitmqClient {
  return {
    ...at,
    url: `amqp://${at.user}:${at.password}@127.0.0.1:${at.port}`,
    managementUrl: `http://127.0.0.1:${at.managementPort}`,
    api: (method, path, body) => callApi(at, method, path, body),
    ctl: (...args) => runCtl(at, args),
  }
}

/** What another process needs to know of a running RabbitMQ. All of it is plain JSON. */
export interface RabbitmqCoordinates {
  readonly port: number
  readonly managementPort: number
  readonly user: string
  readonly password: string
  readonly nodeName: string
  /** The environment in which rabbitmqctl finds the node. */
  readonly env: Readonly<Record<string, string>>
  /** The tree of another Debian (`debianTree`) in which it runs. */
  readonly tree?: string | undefined
}

export interface RabbitmqClient extends RabbitmqCoordinates {
  /** `amqp://` with user and password, without a virtual host. */
  readonly url: string
  /** `http://` without user and password. */
  readonly managementUrl: string
  /**
   * Calls the management API, e.g. `api('PUT', '/api/queues/%2F/jobs', { durable: true })`. Gives the parsed
   * answer, null if it is empty, and throws on any status but 2xx.
   */
  api(method: string, path: string, body?: unknown): Promise<unknown>
  /** Runs rabbitmqctl (about 300 ms a call) and gives what it printed. */
  ctl(...args: readonly string[]): Promise<string>
}

async function callApi(
  { managementPort, user, password }: RabbitmqCoordinates,
  method: string,
  path: string,
  body: unknown,
): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${managementPort}${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(`${user}:${password}`)}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(5000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}

async function runCtl(
  { nodeName, env, tree }: RabbitmqCoordinates,
  words: readonly string[],
): Promise<string> {
  const args = ['-n', nodeName, '-q', ...words]
  const [name, given] = tree === undefined ? ['rabbitmqctl', args] : insideTree(tree, 'rabbitmqctl', args)
  const program = findProgram(name)
  if (program === null) throw new Error(`${name} is not installed`)
  const { stdout } = await promisify(execFile)(program, given, { env, timeout: 30_000 })
  return stdout
}
