import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import http from '../../../stories/http/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Certificates, makeCertificates } from '../../support/servers/certificates.ts'
import { type Nginx, startNginx } from '../../support/servers/nginx.ts'
import { type Told, teller } from '../../support/teller.ts'

describeWith(['nginx', 'openssl'], 'a page behind TLS', () => {
  let certificates: Certificates
  let nginx: Nginx
  let ca: string

  beforeAll(async () => {
    certificates = await makeCertificates()
    ca = await readFile(certificates.caFile, 'utf8')
    const { valid, soon, expired, wrongHost, selfSigned } = certificates
    nginx = await startNginx({
      server: 'return 302 https://127.0.0.1:$arg_port/;',
      tls: [
        {
          ...valid,
          server: 'location = /down { return 302 http://localhost:$arg_port/; } location / { return 200; }',
        },
        soon,
        expired,
        wrongHost,
        selfSigned,
        { ...valid, server: 'ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0; return 200;' },
      ],
    })
  })

  afterAll(async () => {
    await nginx?.[Symbol.asyncDispose]()
    await certificates?.[Symbol.asyncDispose]()
  })

  const urlOf = (index: number, path = '/') => `https://localhost:${nginx.tlsPorts[index]}${path}`

  const tellerOf = (
    index: number,
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(http, { url: urlOf(index), ca, ...withOptions }, steps)

  test('a certificate that is trusted for long is fine', async () => {
    // The authority of these tests ends in three days.
    const told = await tellerOf(0, {}, { 'tls-expiry': { warnDays: 2, critDays: 1 } }).tell()
    expect(outcomesOf(told)).toEqual([
      'connect ok',
      'status ok',
      'latency ok',
      'tls-expiry ok',
      'tls-valid ok',
      'redirect ok',
    ])
  })

  test('the end of the authority that the entry names is watched too', async () => {
    const told = await tellerOf(0).tell('tls-expiry')
    expect(told.summaries('tls-expiry')).toEqual([
      expect.stringMatching(
        /^the certificate of healthz test CA ends in (2 d 23 h|3 d) \(\d{4}-.+ UTC, limit 7 d, issued by healthz test CA\)$/,
      ),
    ])
  })

  test('a certificate that ends soon is told with its end', async () => {
    const told = await tellerOf(1, { ca: undefined }).tell()
    expect(told.summaries('tls-expiry')).toEqual([
      expect.stringMatching(
        /^the certificate of localhost ends in (6 h|5 h 59 min) \(\d{4}-.+ UTC, limit 7 d, issued by /,
      ),
    ])
    expect(told.step('tls-expiry').findings).toMatchObject([{ severity: 'critical', key: '' }])
    const warned = await tellerOf(1, {}, { 'tls-expiry': { warnDays: 1, critDays: 0.1 } }).tell('tls-expiry')
    expect(warned.step('tls-expiry').findings).toMatchObject([{ severity: 'warning' }])
  })

  test('one that has ended is told with since when, and the page behind it is not asked for', async () => {
    const told = await tellerOf(2, {}, { 'tls-expiry': { warnDays: 2, critDays: 1 } }).tell()
    expect(told.summaries('tls-expiry')).toEqual([
      expect.stringMatching(
        /^the certificate of localhost ended \d+ d( \d+ h)? ago \(2020-02-01 00:00:00 UTC, issued by healthz test CA\)$/,
      ),
    ])
    expect(kindsOf(told)).toEqual(['tls-expired'])
    expect(told.step('connect').outcome).toBe('ok')
    expect(told.step('status').outcome).toBe('unknown')
    expect(told.reason('status')).toContain('has expired')
  })

  test.each([
    [3, 'ca', ['tls-hostname']],
    [4, 'ca', ['tls-untrusted']],
    [0, undefined, ['tls-untrusted']],
    [3, undefined, ['tls-untrusted', 'tls-hostname']],
  ])('certificate %i with %s is refused as %j', async (index, named, kinds) => {
    const told = await tellerOf(index, named === undefined ? { ca: undefined } : {}).tell('tls-valid')
    expect(kindsOf(told)).toEqual(kinds)
    expect(told.step('tls-valid').findings[0]).toMatchObject({ severity: 'critical' })
  })

  test('an entry that accepts any certificate is still warned', async () => {
    const told = await tellerOf(4, { ca: undefined, insecure: true }).tell()
    expect(told.step('status').outcome).toBe('ok')
    expect(told.step('tls-valid').findings).toMatchObject([{ severity: 'warning', key: 'tls-untrusted' }])
  })

  test('a server of an old protocol is told to speak it', async () => {
    const told = await tellerOf(5).tell()
    expect(told.step('connect').outcome).toBe('ok')
    expect(told.summaries('tls-valid')).toEqual([
      `localhost:${nginx.tlsPorts[5]} speaks TLSv1.1 only (at least TLSv1.2 is needed)`,
    ])
    expect(told.step('status').outcome).toBe('unknown')
  })

  test('a redirect away from TLS is a warning', async () => {
    const url = urlOf(0, `/down?port=${nginx.port}`)
    const told = await tellerOf(0, { url, redirects: 1 }).tell('redirect')
    expect(told.step('redirect').findings.map(({ key }) => key)).toContain('plain')
  })

  test('a page that redirects to a certificate which is refused cannot be reached', async () => {
    const told = await teller(http, { url: `${nginx.url}/?port=${nginx.tlsPorts[4]}` }).tell()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'tls-untrusted' } }])
  })

  test('a server that hangs before the handshake is told as hanging', async () => {
    nginx.freeze()
    try {
      const start = performance.now()
      const told = await tellerOf(0).tell()
      expect(performance.now() - start).toBeLessThan(5000)
      const problems = Object.values(told.steps).flatMap(({ findings }) => findings)
      expect(problems).toMatchObject([{ evidence: { kind: 'timeout-reply' } }])
    } finally {
      nginx.thaw()
    }
  })

  test('a certificate file on this node is watched, one that is missing is unknown', async () => {
    const certFile = certificates.soon.certFile
    const told = await teller(http, { url: `${nginx.url}/`, redirects: 0, certFile }).tell('tls-expiry')
    expect(told.step('tls-expiry').findings).toMatchObject([{ key: certFile, severity: 'critical' }])
    const missing = { url: `${nginx.url}/`, redirects: 0, certFile: '/nonexistent/cert.pem' }
    const gone = await teller(http, missing).tell('tls-expiry')
    expect(gone.reason('tls-expiry')).toBe('the file /nonexistent/cert.pem cannot be read on this node')
    expect((await teller(http, { url: `${nginx.url}/`, redirects: 0 }).tell()).steps).not.toHaveProperty(
      'tls-expiry',
    )
  })
})

function outcomesOf(told: Told): readonly string[] {
  return Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
}

function kindsOf(told: Told): readonly unknown[] {
  return told.step('tls-valid').findings.map(({ evidence }) => evidence['kind'])
}
