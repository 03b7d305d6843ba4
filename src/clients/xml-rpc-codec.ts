import { ConnectionFailure } from '../core/failure.ts'

/** What XML-RPC carries. Dates and base64 stay the text that was sent. */
export type XmlRpcValue =
  | string
  | number
  | boolean
  | null
  | readonly XmlRpcValue[]
  | { readonly [name: string]: XmlRpcValue }

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

/** The body of a call. */
export function encodeCall(method: string, parameters: readonly XmlRpcValue[]): string {
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

/**
 * The value of an answer from `address`.
 * @throws XmlRpcFault, or ConnectionFailure where it is no XML-RPC
 */
export async function decodeAnswer(body: string, method: string, address: string): Promise<XmlRpcValue> {
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
