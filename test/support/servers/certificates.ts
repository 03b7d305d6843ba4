import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeTempDir } from './temp-dir.ts'

/** Makes an authority and one certificate of each kind that a client should judge differently. */
export async function makeCertificates(): Promise<Certificates> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  await makeAuthority(dir)
  // The authority keeps a list of what it signed, so it signs one at a time.
  const valid = await sign(dir, 'valid', 'localhost', fromNow(-1), fromNow(365))
  const soon = await sign(dir, 'soon', 'localhost', fromNow(-1), fromNow(0.25))
  const expired = await sign(dir, 'expired', 'localhost', '20200101000000Z', '20200201000000Z')
  const wrongHost = await sign(dir, 'wrong-host', 'elsewhere.example', fromNow(-1), fromNow(365))
  const selfSigned = await selfSign(dir, 'self-signed', '/CN=localhost', LOCAL_NAMES)
  const owned = stack.move()
  return {
    caFile: join(dir, 'ca.pem'),
    valid,
    soon,
    expired,
    wrongHost,
    selfSigned,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export interface Certificates extends AsyncDisposable {
  /** The authority that signed all but `selfSigned`. */
  readonly caFile: string
  /** For localhost and 127.0.0.1, a year from now. */
  readonly valid: Certificate
  /** Ends in six hours. */
  readonly soon: Certificate
  /** Ended in February 2020. */
  readonly expired: Certificate
  /** For elsewhere.example only. */
  readonly wrongHost: Certificate
  /** For localhost and 127.0.0.1, three days from now, signed by nobody else. */
  readonly selfSigned: Certificate
}

/** Paths of two PEM files. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

const LOCAL_NAMES = 'DNS:localhost,IP:127.0.0.1'
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

async function makeAuthority(dir: string): Promise<void> {
  await selfSign(dir, 'ca', '/CN=healthz test CA')
  await writeFile(join(dir, 'index.txt'), '')
  await writeFile(join(dir, 'serial'), '01\n')
  await writeFile(
    join(dir, 'ca.cnf'),
    `[ca]
default_ca=d
[d]
database=${dir}/index.txt
new_certs_dir=${dir}
serial=${dir}/serial
default_md=sha256
policy=p
unique_subject=no
copy_extensions=copy
[p]
commonName=supplied
`,
  )
}

async function selfSign(dir: string, name: string, subject: string, names?: string): Promise<Certificate> {
  const certificate = files(dir, name)
  await openssl(
    dir,
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    certificate.keyFile,
    '-out',
    certificate.certFile,
    [...['-days', '3', '-subj', subject], ...(names ? ['-addext', `subjectAltName=${names}`] : [])],
  )
  return certificate
}

/** Through `openssl ca`, because `openssl req -x509` of OpenSSL 3.0 knows no start date. */
async function sign(dir: string, name: string, host: string, from: string, to: string): Promise<Certificate> {
  const certificate = files(dir, name)
  const names = host === 'localhost' ? LOCAL_NAMES : `DNS:${host}`
  await openssl(dir, 'req', '-new', ...NEW_KEY, '-keyout', certificate.keyFile, '-out', `${name}.csr`, [
    ...['-subj', `/CN=${host}`, '-addext', `subjectAltName=${names}`],
  ])
  await openssl(dir, 'ca', '-batch', '-config', 'ca.cnf', '-keyfile', 'ca-key.pem', '-cert', 'ca.pem', [
    ...['-in', `${name}.csr`, '-out', certificate.certFile, '-notext', '-startdate', from, '-enddate', to],
  ])
  return certificate
}

function files(dir: string, name: string): Certificate {
  return { certFile: join(dir, `${name}.pem`), keyFile: join(dir, `${name}-key.pem`) }
}

async function openssl(dir: string, ...args: readonly (string | readonly string[])[]): Promise<void> {
  await promisify(execFile)('openssl', args.flat(), { cwd: dir, timeout: 30_000 })
}

/** The moment in OpenSSL's notation, YYYYMMDDHHMMSSZ. */
function fromNow(days: number): string {
  return `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
}
