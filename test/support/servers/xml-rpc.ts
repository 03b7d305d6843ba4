import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { XMLParser } from 'fast-xml-parser'

/** Calls one XML-RPC method over a Unix socket and gives its plain value; a fault is thrown, with its code. */
export async function callXmlRpc(
  socketPath: string,
  auth: { readonly user: string; readonly password: string } | null,
  method: string,
  parameters: readonly XmlRpcParameter[],
): Promise<unknown> {
  const call = request({
    socketPath,
    method: 'POST',
    path: '/RPC2',
    headers: { 'content-type': 'text/xml' },
    signal: AbortSignal.timeout(15_000),
    ...(auth ? { auth: `${auth.user}:${auth.password}` } : {}),
  })
  call.end(encodeCall(method, parameters))
  const [response] = await once(call, 'response')
  const body = await text(response)
  if (response.statusCode !== 200) throw new Error(`${method}: HTTP status ${response.statusCode}`)
  return decodeResponse(method, body)
}

export type XmlRpcParameter = string | number | boolean

function encodeCall(method: string, parameters: readonly XmlRpcParameter[]): string {
  const encoded = parameters.map((parameter) => `<param><value>${encode(parameter)}</value></param>`)
  return `<methodCall><methodName>${method}</methodName><params>${encoded.join('')}</params></methodCall>`
}

function encode(parameter: XmlRpcParameter): string {
  if (typeof parameter === 'boolean') return `<boolean>${Number(parameter)}</boolean>`
  if (typeof parameter === 'number') return `<int>${parameter}</int>`
  return `<string>${parameter.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</string>`
}

function decodeResponse(method: string, body: string): unknown {
  const parser = new XMLParser({
    parseTagValue: false,
    trimValues: false,
    isArray: (name, path) => name === 'member' || String(path).endsWith('.data.value'),
  })
  const response = child(parser.parse(body), 'methodResponse')
  const fault = child(response, 'fault')
  if (fault !== undefined) throw new Error(`${method}: ${JSON.stringify(decode(child(fault, 'value')))}`)
  return decode(child(child(child(response, 'params'), 'param'), 'value'))
}

/** A value is one typed element, or a bare text, which counts as a string. */
function decode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const [type = 'nil', content] = Object.entries(value).find(([name]) => name !== '#text') ?? []
  if (type === 'int' || type === 'i4' || type === 'double') return Number(content)
  if (type === 'boolean') return content === '1'
  if (type === 'array') return list(child(child(content, 'data'), 'value')).map(decode)
  if (type === 'struct') return Object.fromEntries(list(child(content, 'member')).map(decodeMember))
  return type === 'nil' ? null : content
}

function decodeMember(member: unknown): [string, unknown] {
  return [String(child(member, 'name')), decode(child(member, 'value'))]
}

function list(content: unknown): readonly unknown[] {
  return Array.isArray(content) ? content : []
}

function child(element: unknown, name: string): unknown {
  if (typeof element !== 'object' || element === null) return undefined
  return Object.entries(element).find(([key]) => key === name)?.[1]
}
