import { ConnectionFailure } from '../core/failure.ts'
import type { ServerUrl } from '../core/options.ts'
import { say } from '../core/text.ts'
import { type RequestOptions, type Response, request } from './request.ts'
import { decodeAnswer, encodeCall, type XmlRpcValue } from './xml-rpc-codec.ts'

/** Where the calls go. With `socketPath` only the path of the URL counts. */
export interface XmlRpcServer
  extends Pick<RequestOptions, 'socketPath' | 'user' | 'password' | 'ca' | 'insecure'> {
  readonly url: URL
}

/** Where an `http:`, `https:` or `unix:` URL of an option leads: XML-RPC lives under `/RPC2`. */
export function xmlRpcServer(
  { url, ...access }: ServerUrl,
  given: Pick<XmlRpcServer, 'user' | 'password'>,
): XmlRpcServer {
  const isSocket = url.protocol === 'unix:'
  return {
    url: new URL('/RPC2', isSocket ? 'http://localhost' : url),
    socketPath: isSocket ? decodeURIComponent(url.pathname) : undefined,
    user: given.user ?? access.user,
    password: given.password ?? access.password,
  }
}

/**
 * Calls one method and gives its value.
 * @throws XmlRpcFault when the server refuses the call; ConnectionFailure when there is no answer, a refused login
 * or an answer that is no XML-RPC.
 */
export async function callXmlRpc(
  server: XmlRpcServer,
  method: string,
  parameters: readonly XmlRpcValue[],
  options: Pick<RequestOptions, 'signal' | 'timeout' | 'connectTimeout' | 'maxBody'>,
): Promise<XmlRpcValue> {
  const { url, ...access } = server
  const address = server.socketPath ?? url.host
  const response = await send(url, address, {
    maxBody: 8_388_608,
    ...options,
    ...access,
    method: 'POST',
    headers: { 'content-type': 'text/xml' },
    body: encodeCall(method, parameters),
  })
  refuseStatus(response, server, address)
  return decodeAnswer(response.body, method, address)
}

async function send(url: URL, address: string, options: RequestOptions): Promise<Response> {
  try {
    return await request(url, options)
  } catch (error) {
    // Linux gives EAGAIN for a unix socket whose queue is full: its owner has not accepted for a long time.
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    const detail = say`its queue of waiting connections is full`
    throw new ConnectionFailure('timeout-reply', address, { detail, cause: error })
  }
}

function refuseStatus({ status, isTruncated }: Response, server: XmlRpcServer, address: string): void {
  if (status === 401) {
    if (server.user === undefined) throw new ConnectionFailure('auth-missing', address)
    throw new ConnectionFailure('auth-failed', address, { detail: say`login as ${server.user}` })
  }
  if (status === 403) throw new ConnectionFailure('not-allowed', address)
  if (status === 404) {
    const detail = say`no XML-RPC under ${server.url.pathname}`
    throw new ConnectionFailure('not-found', address, { detail })
  }
  if (status !== 200) {
    throw new ConnectionFailure('protocol', address, {
      detail: say`HTTP status ${status} instead of an answer`,
    })
  }
  if (isTruncated) throw new ConnectionFailure('protocol', address, { detail: say`the answer is too long` })
}
