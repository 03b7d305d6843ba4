import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callXmlRpc } from '../../../src/clients/xml-rpc.ts'
import type { XmlRpcValue } from '../../../src/clients/xml-rpc-codec.ts'
import { kindOf } from '../../../src/core/failure.ts'
import { type Listening, startListening } from '../../support/servers/listening.ts'

let server: Listening
let answer = { status: 200, body: '' }
let asked = ''

beforeAll(async () => {
  server = await startListening(() => ({
    server: createServer(async (request, response) => {
      asked = await text(request)
      response.writeHead(answer.status).end(answer.body)
    }),
  }))
})
afterAll(() => server[Symbol.asyncDispose]())

function call(...parameters: XmlRpcValue[]) {
  const url = new URL(`http://127.0.0.1:${server.port}/RPC2`)
  return callXmlRpc({ url }, 'some.method', parameters, { signal: AbortSignal.timeout(5000) })
}

const valued = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>${value}</value>\n</param>\n</params>\n</methodResponse>\n`

describe('callXmlRpc', () => {
  test.each([
    ['<int>-3</int>', -3],
    ['<i4>7</i4>', 7],
    ['<double>2.5</double>', 2.5],
    ['<boolean>1</boolean>', true],
    ['<boolean>0</boolean>', false],
    ['<string></string>', ''],
    ['<string/>', ''],
    ['', ''],
    ['bare', 'bare'],
    ['<string>  kept  </string>', '  kept  '],
    ['<string>a &amp;lt; &#65;&#x42; &nope; &lt;b&gt;</string>', 'a &lt; AB &nope; <b>'],
    ['<string>0012</string>', '0012'],
    ['\n<int>4</int>\n', 4],
    ['<nil/>', null],
    ['<dateTime.iso8601>20261120T10:00:00</dateTime.iso8601>', '20261120T10:00:00'],
    ['<array><data>\n</data></array>', []],
    ['<array><data><value>one</value></data></array>', ['one']],
    ['<array><data>\n<value><int>1</int></value>\n<value/>\n</data></array>', [1, '']],
    ['<struct>\n</struct>', {}],
    [
      '<struct><member><name>a</name><value><array><data><value><struct><member><name>b</name><value><boolean>1</boolean></value></member></struct></value></data></array></value></member></struct>',
      { a: [{ b: true }] },
    ],
  ])('decodes %s', async (xml, value) => {
    answer = { status: 200, body: valued(xml) }
    expect(await call()).toEqual(value)
  })

  test('a long text with many entities comes whole', async () => {
    answer = { status: 200, body: valued(`<string>${'&gt;'.repeat(50_000)}</string>`) }
    expect(await call()).toBe('>'.repeat(50_000))
  })

  test('encodes every kind of parameter', async () => {
    answer = { status: 200, body: valued('<int>1</int>') }
    await call('a<b>&c', 3, 2.5, true, null, ['x'], { n: 1 })
    expect(asked).toContain(
      '<params><param><value><string>a&lt;b&gt;&amp;c</string></value></param>' +
        '<param><value><int>3</int></value></param>' +
        '<param><value><double>2.5</double></value></param>' +
        '<param><value><boolean>1</boolean></value></param>' +
        '<param><value><nil/></value></param>' +
        '<param><value><array><data><value><string>x</string></value></data></array></value></param>' +
        '<param><value><struct><member><name>n</name><value><int>1</int></value></member></struct></value></param></params>',
    )
  })

  test('a fault is an error with its code, and keeps the words of the server out of its message', async () => {
    const fault =
      '<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>10</int></value></member>' +
      '<member><name>faultString</name><value><string>BAD_NAME: hunter2SECRET</string></value></member></struct></value></fault></methodResponse>'
    answer = { status: 200, body: fault }
    const error = await call().catch((thrown) => thrown)
    expect(error).toMatchObject({ name: 'XmlRpcFault', code: 10, faultString: 'BAD_NAME: hunter2SECRET' })
    expect(error.message).toBe('some.method: fault 10')
  })

  test.each([
    [401, 'auth-missing'],
    [403, 'not-allowed'],
    [404, 'not-found'],
    [500, 'protocol'],
  ])('status %i is the kind %s', async (status, kind) => {
    answer = { status, body: '' }
    expect(kindOf(await call().catch((error) => error))).toBe(kind)
  })

  test.each(['plain text', '<html><body>hello</html>', '', '<methodResponse/>'])(
    'an answer that is no XML-RPC is told as another protocol: %s',
    async (body) => {
      answer = { status: 200, body }
      expect(kindOf(await call().catch((error) => error))).toBe('protocol')
    },
  )
})
