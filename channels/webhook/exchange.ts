import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import { ConnectionFailure, kindOf, type Redact, render } from 'healthz'
import type { Answer } from './answer.ts'
import type { WebhookOptions } from './options.ts'

export interface Exchange {
  readonly options: WebhookOptions
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Whether the right to send has gone: asked when the connection stands and nothing has left yet. */
  readonly isWithdrawn: () => boolean
  /** Takes secrets out of what the receiver says. */
  readonly hide: Redact
}

/**
 * One request and its answer, whatever the status, within the configured time. The errors it throws hold no more than
 * the receiver's host and what went wrong: those of axios carry the whole request along.
 */
export async function exchange({
  options,
  body,
  headers,
  signal,
  isWithdrawn,
  hide,
}: Exchange): Promise<Answer> {
  const { default: axios } = await import('axios')
  const { url } = options.url
  const deadline = AbortSignal.timeout(options.timeout)
  try {
    const response = await axios.request<Readable>({
      url: url.href,
      method: options.method,
      headers,
      data: Buffer.from(body), // axios trims and rewrites strings; a signed body has to stay as it is
      signal: AbortSignal.any([signal, deadline]), // its own `timeout` ends with the first byte of the answer
      httpAgent: askingFirst(new HttpAgent(), 'connect', isWithdrawn),
      httpsAgent: askingFirst(new HttpsAgent(tlsOf(options)), 'secureConnect', isWithdrawn),
      proxy: false,
      maxRedirects: 0,
      validateStatus: () => true,
      responseType: 'stream',
    })
    const { status, data } = response
    const reason = status < 300 ? '' : await beginningOf(data)
    data.destroy()
    return {
      status,
      retryAfter: headerOf(response.headers, 'retry-after'),
      date: headerOf(response.headers, 'date'),
      reason: hide(reason).slice(0, mostOfReason),
    }
  } catch (error) {
    signal.throwIfAborted()
    if (deadline.aborted) throw new Error(`${url.host} did not answer within ${options.timeout / 1000} s`)
    const kind = kindOf(error)
    throw new Error(
      kind === null
        ? `${url.host} could not be asked`
        : render(new ConnectionFailure(kind, url.host).summary),
    )
  }
}

/**
 * Ends a connection that stands too late: the request would be written as soon as it stands, before any timer of a
 * process that was stopped meanwhile could say that its time is over.
 */
function askingFirst<Kind extends HttpAgent>(agent: Kind, stands: string, isWithdrawn: () => boolean): Kind {
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (...given) => {
    const socket = connect(...given)
    socket?.prependOnceListener(stands, () => {
      if (isWithdrawn()) socket.destroy(new Error('the right to send has gone'))
    })
    return socket
  }
  return agent
}

function tlsOf({ ca, insecure }: WebhookOptions) {
  return {
    rejectUnauthorized: !insecure,
    ...(ca !== undefined && { ca: [...getCACertificates(), ca] }),
  }
}

const mostOfReason = 120
const mostToRead = 4096

/** What an answer says, as one line without tags. One that breaks off or dawdles says what it said until then. */
async function beginningOf(stream: Readable): Promise<string> {
  let text = ''
  try {
    for await (const chunk of stream) {
      text += String(chunk)
      if (text.length > mostToRead) break
    }
  } catch {
    // the status has been told, and it is what counts
  }
  return text
    .slice(0, mostToRead)
    .replace(/<[^>]*>/g, ' ')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
}

function headerOf(headers: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
