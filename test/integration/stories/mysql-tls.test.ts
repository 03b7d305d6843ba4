import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import mysql from '../../../stories/mysql/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Certificate, type Certificates, makeCertificates } from '../../support/servers/certificates.ts'
import { type Mariadb, startMariadb } from '../../support/servers/mariadb.ts'
import { makeTempDir, type TempDir } from '../../support/servers/temp-dir.ts'
import { teller } from '../../support/teller.ts'

describeWith(['mariadb'], 'MySQL over TLS', () => {
  let dir: TempDir
  let certificates: Certificates
  let server: Mariadb
  let ca: string

  beforeAll(async () => {
    dir = await makeTempDir()
    certificates = await makeCertificates()
    ca = await readFile(certificates.caFile, 'utf8')
    await put(certificates.valid)
    server = await startMariadb({
      args: [`--ssl-cert=${join(dir.path, 'cert.pem')}`, `--ssl-key=${join(dir.path, 'key.pem')}`],
    })
    await server.query(
      `create user tls@'%' identified by 'pw-tls' require ssl; grant process on *.* to tls@'%'`,
    )
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await certificates[Symbol.asyncDispose]()
    await dir[Symbol.asyncDispose]()
  })

  async function put({ certFile, keyFile }: Certificate): Promise<void> {
    await copyFile(certFile, join(dir.path, 'cert.pem'))
    await copyFile(keyFile, join(dir.path, 'key.pem'))
  }

  async function show(certificate: Certificate): Promise<void> {
    await put(certificate)
    await server.query('flush ssl')
  }

  const tell = (more: object) =>
    teller(mysql, {
      host: '127.0.0.1',
      port: server.port,
      user: 'tls',
      password: 'pw-tls',
      tls: true,
      ca,
      ...more,
    }).tell('connect')

  test.each(['127.0.0.1', 'localhost'])('a good certificate is taken at %s', async (host) => {
    await show(certificates.valid)
    expect((await tell({ host })).step('connect')).toMatchObject({ outcome: 'ok' })
  })

  test.each([
    ['tls-expired', 'expired'],
    ['tls-hostname', 'wrongHost'],
    ['tls-untrusted', 'selfSigned'],
  ] as const)('%s is told as such, and "insecure" takes it', async (kind, name) => {
    await show(certificates[name])
    for (const host of ['127.0.0.1', 'localhost']) {
      expect((await tell({ host })).step('connect').findings).toMatchObject([{ evidence: { kind } }])
    }
    expect((await tell({ insecure: true })).step('connect').outcome).toBe('ok')
  })

  test('a login that the server takes over TLS only is refused, with the hint', async () => {
    const told = (await tell({ tls: false })).step('connect')
    expect(told.findings).toMatchObject([{ evidence: { kind: 'auth-failed' } }])
    expect(JSON.stringify(told.findings[0]?.advice)).toContain('demands TLS')
  })

  test('a server without TLS is told as such', async () => {
    await using plain = await startMariadb()
    expect((await tell({ port: plain.port })).step('connect').findings).toMatchObject([
      { evidence: { kind: 'tls-plain' } },
    ])
  })
})
