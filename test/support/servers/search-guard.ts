import { execFile } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { appendFile, cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mavenArchive } from './maven.ts'

/** Who may do what. Beside the users there is `admin`, who may do everything. All have one password. */
export interface Guarded {
  readonly password: string
  /** The file that says what each role may do, as the product reads it. */
  readonly roles: string
  /** The role of each user; null: none. */
  readonly users: Readonly<Record<string, string | null>>
}

/** The module x-pack-security, with users and roles from files. */
export async function guardElasticsearch(home: string, { password, roles, users }: Guarded): Promise<void> {
  const config = join(home, 'config')
  const all: Guarded['users'] = { admin: 'superuser', ...users }
  await appendFile(join(config, 'elasticsearch.yml'), 'xpack.security.enabled: true\n')
  await writeFile(join(config, 'roles.yml'), roles)
  await writeFile(
    join(config, 'users'),
    Object.keys(all)
      .map((user) => `${user}:${hashed(password)}\n`)
      .join(''),
  )
  await writeFile(
    join(config, 'users_roles'),
    Object.entries(all)
      .map(([user, role]) => (role === null ? '' : `${role}:${user}\n`))
      .join(''),
  )
}

function hashed(password: string): string {
  const salt = randomBytes(32)
  const hash = pbkdf2Sync(password, salt, 10_000, 32, 'sha512')
  return `{PBKDF2}10000$${salt.toString('base64')}$${hash.toString('base64')}`
}

export const securityArchive = (): Promise<string> =>
  mavenArchive('org.opensearch.plugin:opensearch-security:2.19.1.0:zip')

/** The plug-in opensearch-security, which wants certificates between the nodes in any case. */
export async function guardOpensearch(home: string, { password, roles, users }: Guarded): Promise<void> {
  const bcrypt = bcryptOf.get(password)
  if (bcrypt === undefined) throw new Error('there is no bcrypt hash for this password')
  const plugin = await securityArchive()
  await cp(plugin, join(home, 'plugins/opensearch-security'), { recursive: true })
  const config = join(home, 'config/opensearch-security')
  await mkdir(config)
  await cp(join(plugin, 'config'), config, { recursive: true })
  await makeCertificate(join(home, 'config'))
  await appendFile(join(home, 'config/opensearch.yml'), opensearchConf)
  const write = (name: string, type: string, body: string) =>
    writeFile(join(config, name), `_meta: { type: ${type}, config_version: 2 }\n${body}`)
  const names = Object.keys(users).map((user) => `${user}: { hash: "${bcrypt}" }\n`)
  const admin = `admin: { hash: "${bcrypt}", backend_roles: [admin] }\n`
  await write('internal_users.yml', 'internalusers', `${admin}${names.join('')}`)
  await write('roles.yml', 'roles', roles)
  const mapped = Object.entries(users).map(([user, role]) =>
    role === null ? '' : `${role}: { users: [${user}] }\n`,
  )
  const all = 'all_access: { backend_roles: [admin] }\n'
  await write('roles_mapping.yml', 'rolesmapping', `${all}${mapped.join('')}`)
}

const opensearchConf = `plugins.security.ssl.transport.pemcert_filepath: node.pem
plugins.security.ssl.transport.pemkey_filepath: node-key.pem
plugins.security.ssl.transport.pemtrustedcas_filepath: node.pem
plugins.security.ssl.transport.enforce_hostname_verification: false
plugins.security.allow_default_init_securityindex: true
plugins.security.nodes_dn: ['CN=localhost']
plugins.security.authcz.admin_dn: ['CN=nobody']
`

/** Node has no bcrypt. */
const bcryptOf = new Map([['hunter2SECRET', '$2b$04$0arZTXpsZmaDFHXq/7YO5uoMKwFymUa7b4ricA1E5xpmdVi8U6Vnu']])

async function makeCertificate(dir: string): Promise<void> {
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(dir, 'node-key.pem')]
  const out = ['-out', join(dir, 'node.pem'), '-days', '2', '-subj', '/CN=localhost']
  await promisify(execFile)('openssl', ['req', '-x509', ...key, ...out])
}
