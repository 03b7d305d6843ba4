import { ConnectionFailure } from '../core/failure.ts'
import { say } from '../core/text.ts'
import { type RequestOptions, type Response, request } from './request.ts'

/** What XML-RPC carries. Dates and base64 stay the text that was sent. */
export type XmlRpcValue =
  | string
  | number
  | boolean
  | null
  | readonly XmlRpcValue[]
  | { readonly [name: string]: XmlRpcValue }

/** Where the calls go. With `socketPath` only the path of the URL counts. */
export interface XmlRpcServer
  extends Pick<RequestOptions, 'socketPath' | 'user' | 'password' | 'ca' | 'insecure'> {
  readonly url: URL
}

/** The server understood the call and refused it. Its words are kept from the message: they may quote anything. */
export class XmlRpcFault extends Error {
  override readonly name = 'XmlRpcFault'
  readonly code: number
  readonly faultString: string

  constructor(method: string, code: number, faultString: string) {
    super(`${method}: fault ${code}`)
    this.code = code
    this.faultString = faultString
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

function encodeCall(method: string, parameters: readonly XmlRpcValue[]): string {
  const params = parameters.map((parameter) => `<param>${encode(parameter)}</param>`).join('')
  return `<?xml version="1.0"?><methodCall><methodName>${escaped(method)}</methodName><params>${params}</params></methodCall>`
}

function encode(value: XmlRpcValue): string {
  return `<value>${encodeTyped(value)}</value>`
}

function encodeTyped(value: XmlRpcValue): string {
  if (value === null) return '<nil/>'
  if (typeof value === 'string') return `<string>${escaped(value)}</string>`
  if (typeof value === 'boolean') return `<boolean>${Number(value)}</boolean>`
  if (typeof value === 'number')
    return Number.isInteger(value) ? `<int>${value}</int>` : `<double>${value}</double>`
  if (isList(value)) return `<array><data>${value.map(encode).join('')}</data></array>`
  const members = Object.entries(value).map(
    ([name, member]) => `<member><name>${escaped(name)}</name>${encode(member)}</member>`,
  )
  return `<struct>${members.join('')}</struct>`
}

const isList = (value: XmlRpcValue): value is readonly XmlRpcValue[] => Array.isArray(value)

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

async function decodeAnswer(body: string, method: string, address: string): Promise<XmlRpcValue> {
  const answer = child(await parse(body, address), 'methodResponse')
  const fault = child(answer, 'fault')
  if (fault !== undefined) throw asFault(decode(child(fault, 'value')), method)
  const value = child(child(child(answer, 'params'), 'param'), 'value')
  if (value === undefined) throw new ConnectionFailure('protocol', address)
  return decode(value)
}

/** The parser is loaded with the first call: most installations never make one. */
async function parse(body: string, address: string): Promise<unknown> {
  const { XMLParser } = await import('fast-xml-parser')
  try {
    return new XMLParser({ parseTagValue: false, trimValues: false, processEntities: false }).parse(body)
  } catch {
    // The parser's words quote the answer, which may hold anything.
    throw new ConnectionFailure('protocol', address)
  }
}

function asFault(value: XmlRpcValue, method: string): XmlRpcFault {
  return new XmlRpcFault(
    method,
    Number(child(value, 'faultCode') ?? 0),
    String(child(value, 'faultString') ?? ''),
  )
}

/** A value is one typed element, or a bare text, which counts as a string. */
function decode(value: unknown): XmlRpcValue {
  if (typeof value !== 'object' || value === null) return unescaped(String(value ?? ''))
  const [type, content] = Object.entries(value).find(([name]) => name !== '#text') ?? ['string', '']
  if (/^(int|i1|i2|i4|i8|double)$/.test(type)) return Number(content)
  if (type === 'boolean') return String(content).trim() === '1'
  if (type === 'nil') return null
  if (type === 'array') return list(child(child(content, 'data'), 'value')).map(decode)
  if (type === 'struct') return Object.fromEntries(list(child(content, 'member')).map(decodeMember))
  return unescaped(String(content))
}

function decodeMember(member: unknown): [name: string, value: XmlRpcValue] {
  return [unescaped(String(child(member, 'name') ?? '')), decode(child(member, 'value'))]
}

/** The five entities of XML and character references; no others, so that no answer can expand beyond its size. */
function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(amp|lt|gt|quot|apos));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The parser gives a single element bare and repeated ones as a list. */
function list(content: unknown): readonly unknown[] {
  if (content === undefined) return []
  return Array.isArray(content) ? content : [content]
}

function child(element: unknown, name: string): unknown {
  if (typeof element !== 'object' || element === null) return undefined
  return Object.entries(element).find(([key]) => key === name)?.[1]
}
